/**
 * Programs with several threads, as labs run them.
 *
 * For the runner of `programs.ts`: each reads a line or a part, computes with all its threads, and writes what does not depend on
 * when.
 *
 * @module
 */
import { numbers, type Program } from "./programs.ts";

const NUMPY = `
import hashlib, sys
import numpy as np
from concurrent.futures import ThreadPoolExecutor
rng = np.random.default_rng(7)
a, b = rng.random((300, 300)), rng.random((300, 300))
def digest(x): return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()[:16]
with ThreadPoolExecutor(3) as pool:
    for line in sys.stdin:
        n = 1 + int(line) % 5
        for _ in range(3): a = a @ b / np.linalg.norm(a) + np.linalg.inv(b + n * np.eye(300))
        parts = list(pool.map(lambda k: digest(np.sort(a[k::3], axis=None)), range(3)))
        print(digest(a), digest(np.linalg.svd(a[:60, :60])[1].round(6)), *parts, flush=True)
`;

const POOL = `
import hashlib, sys, threading, time, zlib
from concurrent.futures import ThreadPoolExecutor
lock, total, over = threading.Lock(), 0, threading.Event()
def work(n):
    global total
    data = hashlib.pbkdf2_hmac("sha256", b"%d" % n, b"salt", 20000)
    packed = zlib.compress(data * 2000, 6)
    with open("out%d" % n, "wb") as out: out.write(packed)
    with lock: total += zlib.crc32(packed)
    time.sleep(0.001)
    return data.hex()[:8]
def tick():
    while not over.wait(0.002): pass
ticker = threading.Thread(target=tick)
ticker.start()
with ThreadPoolExecutor(4) as pool:
    for line in sys.stdin:
        print(*pool.map(work, range(int(line), int(line) + 12)), total, flush=True)
over.set()
ticker.join()
`;

const OPENMP = `#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  char line[64];
  static double v[20000];
  unsigned long total = 0;
  while (fgets(line, sizeof line, stdin)) {
    unsigned long n = strtoul(line, NULL, 10), sum = 0;
    int threads = 0;
    for (int round = 0; round < 100; round++) {
#pragma omp parallel for schedule(static) reduction(+ : sum)
      for (long i = 0; i < 20000; i++) { v[i] = v[i] * 0.5 + (double)(n + i); sum += (unsigned long)v[i]; }
#pragma omp parallel
      {
#pragma omp single
        threads = omp_get_num_threads();
#pragma omp barrier
#pragma omp for schedule(dynamic, 100)
        for (long i = 0; i < 20000; i++) v[i] += i % 7;
#pragma omp critical
        total += n;
      }
    }
    printf("%d %lu %lu\\n", threads, sum, total);
    fflush(stdout);
  }
}
`;

const CPP = `#include <future>
#include <iostream>
#include <mutex>
#include <condition_variable>
#include <numeric>
#include <thread>
#include <vector>
static std::mutex m;
static std::condition_variable turn;
static unsigned whose = 0;
static thread_local unsigned long own;
static unsigned long work(unsigned k, unsigned long n) {
  for (int i = 0; i < 200000; i++) n = n * 6364136223846793005ul + k;
  own += n;
  std::unique_lock<std::mutex> lock(m);
  turn.wait(lock, [k] { return whose == k; });
  whose++;
  turn.notify_all();
  return own;
}
int main() {
  unsigned long n;
  while (std::cin >> n) {
    whose = 0;
    std::vector<std::future<unsigned long>> parts;
    for (unsigned k = 0; k < 5; k++) parts.push_back(std::async(std::launch::async, work, k, n));
    unsigned long sum = 0;
    for (auto &part : parts) sum = sum * 31 + part.get();
    std::vector<std::thread> threads;
    std::vector<unsigned long> results(4);
    for (unsigned k = 0; k < 4; k++)
      threads.emplace_back([&, k] { try { if (n % 2) throw n; results[k] = n + k; } catch (unsigned long x) { results[k] = x * k; } });
    for (auto &thread : threads) thread.join();
    std::cout << sum << ' ' << std::accumulate(results.begin(), results.end(), 0ul) << std::endl;
  }
}
`;

const TBB = `#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/parallel_sort.h>
#include <iostream>
#include <vector>
int main() {
  tbb::global_control all(tbb::global_control::max_allowed_parallelism, 4);
  unsigned long n;
  while (std::cin >> n) {
    std::vector<unsigned long> v(300000);
    tbb::parallel_for(0ul, v.size(), [&](unsigned long i) { v[i] = (i ^ n) * 2654435761ul % 1000003; });
    tbb::parallel_sort(v.begin(), v.end());
    unsigned long sum = tbb::parallel_reduce(tbb::blocked_range<size_t>(0, v.size()), 0ul,
      [&](const tbb::blocked_range<size_t> &r, unsigned long s) { for (size_t i = r.begin(); i != r.end(); i++) s += v[i] * (i % 97); return s; },
      std::plus<unsigned long>());
    std::cout << sum << ' ' << v[1000] << std::endl;
  }
}
`;

const JAVA = `import java.io.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
public class Main {
  static long work(long n, int k) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 20000; i++) { n = n * 6364136223846793005L + k; if (i % 100 == 0) text.append(n); }
    return text.toString().hashCode();
  }
  public static void main(String[] args) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null;) {
      long n = Long.parseLong(line.trim());
      List<Future<Long>> parts = new ArrayList<>();
      for (int k = 0; k < 16; k++) { int which = k; parts.add(pool.submit(() -> work(n, which))); }
      long sum = 0;
      for (Future<Long> part : parts) sum = sum * 31 + part.get();
      Map<Long, Long> groups = LongStream.range(0, 30000).parallel().boxed()
        .collect(Collectors.groupingByConcurrent(x -> (x ^ n) % 11, Collectors.counting()));
      System.out.println(sum + " " + new TreeMap<>(groups));
      System.gc();
    }
    pool.shutdown();
  }
}
`;

const NODE = `
const crypto = require("node:crypto"), zlib = require("node:zlib"), { promisify } = require("node:util");
const fs = require("node:fs/promises"), { Worker } = require("node:worker_threads");
const pbkdf2 = promisify(crypto.pbkdf2), deflate = promisify(zlib.deflate), inflate = promisify(zlib.inflate);
const worker = new Worker('const { parentPort: p } = require("node:worker_threads");' +
  'p.on("message", (n) => { let x = n; for (let i = 0; i < 1e6; i++) x = (x * 48271 + i) % 2147483647; p.postMessage(x); });',
  { eval: true });
const ask = (n) => new Promise((resolve) => { worker.once("message", resolve); worker.postMessage(n); });
(async () => {
  for await (const line of require("node:readline").createInterface({ input: process.stdin })) {
    const n = Number(line);
    const keys = await Promise.all([1, 2, 3, 4, 5].map((k) => pbkdf2("p" + n, "s" + k, 8000, 16, "sha256")));
    const packed = await Promise.all(keys.map((key) => deflate(Buffer.alloc(60000, key))));
    const sizes = (await Promise.all(packed.map((one) => inflate(one)))).map((one) => one.length);
    await fs.appendFile("out", keys[0].toString("hex") + "\\n");
    const total = (await fs.stat("out")).size;
    console.log(keys.map((key) => key.toString("hex", 0, 4)).join(" "), packed[4].length, sizes[0], total, await ask(n));
  }
  await worker.terminate();
})();
`;

const RUST = `use std::io::BufRead;
use std::sync::{mpsc, Arc, Mutex};
fn main() {
    let total = Arc::new(Mutex::new(0u64));
    for line in std::io::stdin().lock().lines() {
        let n: u64 = line.unwrap().trim().parse().unwrap();
        let (send, receive) = mpsc::channel();
        let mut parts: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4u64).map(|k| {
                let (send, total) = (send.clone(), Arc::clone(&total));
                scope.spawn(move || {
                    let mut x = n + k;
                    for i in 0..300_000u64 { x = x.wrapping_mul(6364136223846793005).wrapping_add(i); }
                    *total.lock().unwrap() += k + 1;
                    send.send(k).unwrap();
                    std::panic::catch_unwind(|| x >> 7).unwrap()
                })
            }).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        drop(send);
        parts.sort();
        println!("{:?} {} {}", parts, receive.iter().sum::<u64>(), total.lock().unwrap());
    }
}
`;

const GUILE = `(use-modules (ice-9 rdelim) (ice-9 threads) (ice-9 futures))
(define (work n)
  (let loop ((i 0) (x n) (kept '()))
    (if (= i 60000) (+ x (length kept))
        (loop (+ i 1) (modulo (+ (* x 48271) i) 2147483647) (if (= 0 (modulo i 10)) (cons x kept) kept)))))
(let loop ()
  (let ((line (read-line)))
    (unless (eof-object? line)
      (let* ((n (string->number line)) (parts (n-par-map 4 work (map (lambda (k) (+ n k 1)) (iota 8)))))
        (format #t "~a ~a\\n" parts (join-thread (call-with-new-thread (lambda () (apply + parts)))))
        (force-output)
        (loop)))))
`;

const SBCL = `(defun work (n)
  (let ((x n) (kept nil))
    (dotimes (i 100000) (setf x (mod (+ (* x 48271) i) 2147483647)) (when (zerop (mod i 10)) (push x kept)))
    (+ x (length kept))))
(loop for line = (read-line *standard-input* nil) while line do
  (let* ((n (parse-integer line))
         (threads (loop for k from 1 to 4 collect (let ((k k)) (sb-thread:make-thread (lambda () (work (+ n k))))))))
    (format t "~a~%" (mapcar #'sb-thread:join-thread threads))
    (finish-output)))
`;

const R = `input <- file("stdin", "r")
set.seed(3)
a <- matrix(runif(90000), 300)
while (length(line <- readLines(input, n = 1)) > 0) {
  b <- a %*% a / as.numeric(line)
  s <- solve(b + diag(300))
  cat(sprintf("%.17g %.17g %.17g\\n", sum(b), sum(s), det(s[1:20, 1:20])))
  flush(stdout())
}
`;

const GROUPS = `create table if not exists t(a integer, b text);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 10000)
  insert into t select x * 7919 % 60013, 'row ' || (x * 104729 % 60013) || hex(zeroblob(300)) from c;
select count(*), sum(a) from t;
drop index if exists i; create index i on t(b, a); pragma integrity_check;
select a, substr(b, 1, 9) from t order by b desc, a limit 5;\n`;

/** Lines of numbers, one a part: something is moved after each. */
function lines(parts: number): string[] {
  return Array.from({ length: parts }, (_, index) => `${1000 + index * 37}\n`);
}

/** Parts of text that are larger than what a program reads ahead. */
function texts(parts: number, count: number): string[] {
  return Array.from({ length: parts }, (_, index) => numbers(index + 1, count));
}

/** Raw frames of video, 160 x 120, of letters: for ffmpeg. */
function frames(parts: number): string[] {
  const size = 160 * 120 * 3 / 2 * 12;
  return texts(parts, size / 5).map((text) => text.padEnd(size, "x").slice(0, size));
}

/** A program that is compiled first, and reads lines. */
function compiled(
  { name, program, compiler, file, source, build, library, parts }: {
    name: string;
    program: string;
    compiler: string;
    file: string;
    source: string;
    build: string;
    library?: string;
    parts: number;
  },
): Program {
  return {
    name,
    needs: [compiler],
    ...(library === undefined ? {} : { library }),
    files: { [file]: source },
    // Both runs have one product.
    prepare: `[ -e ../${program} ] || { ${build} && mv ${program} ..; }`,
    command: (launch) => `OMP_NUM_THREADS=4 exec ${launch} ../${program}`,
    input: lines(parts),
    moves: program,
    shows: "true",
  };
}

/** A script that an interpreter runs, and that reads lines. */
function script(
  { name, interpreter, process = interpreter, file, source, before = "", probe, parts }: {
    name: string;
    interpreter: string;
    process?: string;
    file: string;
    source: string;
    before?: string;
    probe?: Program["probe"];
    parts: number;
  },
): Program {
  return {
    name,
    needs: [interpreter],
    ...(probe === undefined ? {} : { probe }),
    files: { [file]: source },
    command: (launch) => `${before} exec ${launch} ${interpreter} ${file}`,
    input: lines(parts),
    moves: process,
  };
}

/** Compilers' products. */
function products(parts: number): Program[] {
  return [
    compiled({
      name: "OpenMP with 4 threads",
      program: "lb-openmp",
      compiler: "gcc",
      library: "libgomp.so",
      file: "program.c",
      source: OPENMP,
      build: "gcc -O2 -fopenmp -o lb-openmp program.c",
      parts,
    }),
    compiled({
      name: "C++ with std::async and std::thread",
      program: "lb-cpp",
      compiler: "g++",
      file: "program.cc",
      source: CPP,
      build: "g++ -O1 -pthread -o lb-cpp program.cc",
      parts,
    }),
    compiled({
      name: "TBB with 4 threads",
      program: "lb-tbb",
      compiler: "g++",
      library: "libtbb.so",
      file: "program.cc",
      source: TBB,
      build: "g++ -O1 -o lb-tbb program.cc -ltbb",
      parts,
    }),
    compiled({
      name: "Rust with std::thread",
      program: "lb-rust",
      compiler: "rustc",
      file: "program.rs",
      source: RUST,
      build: "rustc -O -o lb-rust program.rs",
      parts,
    }),
  ];
}

/** Interpreters with threads of their own. */
function interpreters(parts: number): Program[] {
  return [
    script({
      name: "numpy with OpenBLAS's threads",
      interpreter: "python3",
      process: "python3.11",
      file: "script.py",
      source: NUMPY,
      before: "OPENBLAS_NUM_THREADS=4",
      probe: { name: "numpy", command: "python3 -c 'import numpy'" },
      parts,
    }),
    script({
      name: "python3 with a ThreadPoolExecutor",
      interpreter: "python3",
      process: "python3.11",
      file: "script.py",
      source: POOL,
      parts,
    }),
    {
      name: "Java with a pool and parallel streams",
      needs: ["java", "javac"],
      files: { "Main.java": JAVA },
      prepare: "[ -e ../Main.class ] || javac -d .. Main.java",
      command: (launch) => `exec ${launch} java -cp .. Main`,
      input: lines(parts),
      moves: "java",
      shows: "true",
    },
    script({
      name: "node with its pool and a worker",
      interpreter: "node",
      file: "script.cjs",
      source: NODE,
      parts,
    }),
    script({
      name: "guile with futures and threads",
      interpreter: "guile",
      file: "script.scm",
      source: GUILE,
      before: "GUILE_AUTO_COMPILE=0",
      parts,
    }),
    {
      name: "sbcl with threads",
      needs: ["sbcl"],
      files: { "script.lisp": SBCL },
      command: (launch) => `exec ${launch} sbcl --script script.lisp`,
      input: lines(parts),
      moves: "sbcl",
    },
    {
      name: "R with its BLAS's threads",
      needs: ["Rscript"],
      files: { "script.R": R },
      // Its command is a script that finds out just this.
      command: (launch) =>
        `R_HOME=/usr/lib/R LD_LIBRARY_PATH=/usr/lib/R/lib OPENBLAS_NUM_THREADS=4 ` +
        `exec ${launch} /usr/lib/R/bin/exec/R --no-echo --no-restore --file=script.R`,
      input: lines(parts),
      moves: "R",
    },
  ];
}

/** Tools of the distribution. */
function tools(parts: number): Program[] {
  return [
    {
      name: "xz with a thread for each processor",
      needs: ["xz"],
      command: (launch) =>
        `${launch} xz -T0 -1 --block-size=64KiB -c > out.xz; xz -dc out.xz | sha256sum`,
      input: texts(parts, 40_000),
      moves: "xz",
    },
    {
      name: "zstd with 4 threads",
      needs: ["zstd"],
      command: (launch) =>
        `${launch} zstd -q -T4 -B512K -7 -c > out.zst; zstd -dc out.zst | sha256sum`,
      input: texts(parts, 150_000),
      moves: "zstd",
    },
    {
      name: "ffmpeg with its default threads",
      needs: ["ffmpeg"],
      command: (launch) =>
        `exec ${launch} ffmpeg -v error -f rawvideo -pix_fmt yuv420p -s 160x120 -i pipe:0 ` +
        `-c:v ffv1 -level 3 -slices 4 -flags +bitexact -fflags +bitexact -f nut out.nut`,
      input: frames(parts),
      moves: "ffmpeg",
    },
    {
      name: "stockfish, which searches in a thread of its own",
      needs: ["/usr/games/stockfish"],
      command: (launch) =>
        `${launch} /usr/games/stockfish 2> /dev/null | sed -uE 's/ (nps|time|hashfull) [0-9]+//g' | grep -E "^(info depth|bestmove)"`,
      input: Array.from(
        { length: parts },
        (_, index) =>
          `position startpos moves e2e4 e7e${5 + index % 2}\nbench 16 1 11 current depth\n`,
      ),
      moves: "stockfish",
    },
    {
      name: "sqlite3 that sorts with 4 threads",
      needs: ["sqlite3"],
      command: (launch) => `exec ${launch} sqlite3 data.db`,
      input: Array.from(
        { length: parts },
        () => `pragma threads=4; pragma cache_size=200; pragma temp_store=file;\n${GROUPS}`,
      ),
      moves: "sqlite3",
      shows: "sqlite3 data.db .dump | sha256sum",
    },
  ];
}

/** Each of them; its process is moved so many times. */
export function threaded(parts: number): Program[] {
  return [...products(parts), ...interpreters(parts), ...tools(parts)];
}
