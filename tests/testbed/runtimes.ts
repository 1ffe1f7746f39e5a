/**
 * Programs whose runtimes manage memory in their own ways.
 *
 * Or reserve much address space; for the runner of `programs.ts`.
 *
 * @module
 */
import type { Program } from "./programs.ts";

const LINES = ["one\n", "two words\n", "three\nfour\n", "the fifth line\n"] as const;

const HASKELL = `import qualified Data.IntMap.Strict as M
import Data.List (foldl')
import System.IO
step :: (Int, M.IntMap Int) -> Int -> (Int, M.IntMap Int)
step (s, m) i = let n = (s * 31 + i) \`mod\` 1000003 in n \`seq\` (n, M.insertWith (+) (i \`mod\` 5003) n m)
main :: IO ()
main = do
  hSetBuffering stdout LineBuffering
  text <- getContents
  mapM_ (\\line -> let (s, m) = foldl' step (length line, M.empty) [0 .. 150000]
                  in putStrLn (show s ++ " " ++ show (M.lookup 77 m))) (lines text)
`;

const GO = `package main
import "C"
import ("bufio"; "fmt"; "os")
func main() {
  lines := bufio.NewScanner(os.Stdin)
  for lines.Scan() {
    x, m := uint64(len(lines.Text())), map[uint64]uint64{}
    for i := uint64(0); i < 200000; i++ { x = x*6364136223846793005 + i; m[x%5003] += x >> 40 }
    fmt.Println(x, len(m), m[77])
  }
}
`;

/** Allocates, frees and grows memory of all sizes, and tells whether it keeps what it is given. */
const ALLOCATIONS = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  static struct { unsigned char *at; size_t size; } kept[512];
  unsigned long x = 1, sum = 0;
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    for (int i = 0; i < 20000; i++) {
      x = x * 6364136223846793005UL + 1 + strlen(line);
      unsigned n = x >> 40 & 511;
      size_t size = 1 + (x >> 33) % (i % 100 == 0 ? 300000 : 3000);
      for (size_t k = 0; k < kept[n].size; k += 61)
        if (kept[n].at[k] != (unsigned char)n) return puts("changed"), 1;
      if (i % 3 == 0) free(kept[n].at), kept[n].at = NULL;
      kept[n].at = realloc(kept[n].at, size);
      memset(kept[n].at, (int)n, kept[n].size = size);
      sum += size;
    }
    printf("%lu\\n", sum);
    fflush(stdout);
  }
  return 0;
}
`;

/** A C program that is linked with an allocator, or built with a sanitizer. */
function allocations(name: string, library: string, flags: string): Program {
  const program = `lb-${name}`;
  return {
    name: `a program with ${name}`,
    needs: ["gcc"],
    library,
    files: { "allocations.c": ALLOCATIONS },
    prepare: `gcc -O1 -g -o ${program} allocations.c ${flags}`,
    command: (launch) => `exec ${launch} ./${program}`,
    input: LINES,
    moves: program,
    shows: "true",
  };
}

const LOOKS = LINES.map(() => "look\n");

/** Each of them; moved are those that have one thread. */
export const runtimes: readonly Program[] = [
  {
    name: "a Haskell program",
    needs: ["ghc"],
    files: { "program.hs": HASKELL },
    prepare: "ghc -v0 -O -o lb-haskell program.hs",
    command: (launch) => `exec ${launch} ./lb-haskell`,
    input: LINES,
    moves: "lb-haskell",
    shows: "true",
  },
  {
    name: "a Go program with cgo",
    needs: ["go", "gcc"],
    files: { "program.go": GO },
    prepare: "HOME=$PWD GOFLAGS=-mod=mod go build -o lb-go program.go && chmod -R u+w .",
    command: (launch) => `exec ${launch} ./lb-go`,
    input: LINES,
    moves: undefined,
    shows: "true",
  },
  allocations("jemalloc", "libjemalloc.so", "-ljemalloc"),
  allocations("tcmalloc", "libtcmalloc.so", "-ltcmalloc"),
  allocations("AddressSanitizer", "libasan.so", "-fsanitize=address"),
  {
    name: "a program that has reserved 16 TiB",
    needs: [],
    command: (launch) => `exec ${launch} sparse reserve 16384`,
    input: LOOKS,
    moves: "sparse",
  },
  {
    name: "a program that has mapped a sparse file of 2.4 GiB",
    needs: [],
    command: (launch) => `exec ${launch} sparse filemap 2400`,
    input: LOOKS,
    moves: "sparse",
    shows: "du -k --apparent-size sparse.data",
  },
];
