/**
 * The simulated processors: each node shares its cores among its jobs' threads.
 *
 * A node with c cores of speed s and n threads gives each of them s * min(1, c / n). What a thread has
 * got is counted by one clock a node, the service that one present from its start would have attained:
 * a job whose threads need d more each is done when the clock has gone on by d, whoever comes and goes
 * meanwhile. The threads of a job do equal parts of its work, so that they end together. Their number
 * may be a fraction: then it is a mean. A job that is serial for a share f of its work and else has p
 * threads is, if it changes often, one of 1 / (f + (1 - f) / p) threads (Amdahl).
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/** What a node's processors did, in core milliseconds but for the first. */
export interface Usage {
  /** Milliseconds in which some thread waited for a core. */
  readonly stalledMs: number;
  readonly idleMs: number;
  readonly ownMs: number;
  /** For jobs that no balancer knows of. */
  readonly otherMs: number;
}

/** A job by its number; numbers are used again after {@linkcode Stations.forget}. */
export type Job = number;

/** Place of a job between two nodes: its old copy is gone, its new one has not begun. */
export const NOWHERE = -1;

/** All nodes' processors and their jobs. */
export class Stations {
  /** Work per millisecond and core, in milliseconds at speed 1. */
  readonly speeds: Float64Array;
  readonly cores: Float64Array;
  /** Work that a job is, in milliseconds at speed 1. */
  demands = new Float64Array(1024);
  /** How many threads of a job compute at a time. */
  #threads = new Float64Array(1024);
  /** A job's clock at its end while it runs, else the work that is left for a thread, both stretched. */
  #marks = new Float64Array(1024);
  /** How much longer each job's work is than it would be at home. */
  #stretches = new Float64Array(1024);
  #haveThreads = false;
  readonly #free: Job[] = [];
  #jobs = 0;
  readonly #running: Job[][];
  /** A node's number of threads that run. */
  readonly #threadsRunning: Float64Array;
  /** A node's clock, the time of its last reading, the least mark of its jobs. */
  readonly #clocks: Float64Array;
  readonly #readMs: Float64Array;
  readonly #leasts: Float64Array;
  /** Jobs that no balancer knows of, and a node's numbers of them and of their threads that run. */
  readonly #strangers = new Set<Job>();
  readonly #strangersRunning: Int32Array;
  readonly #strangeThreads: Float64Array;
  /** Four sums a node, as in {@linkcode Usage}. */
  readonly #usage: Float64Array;

  /** Makes nodes without jobs; both arrays have one entry a node. */
  constructor(speeds: readonly number[], cores: readonly number[]) {
    assert(speeds.length === cores.length, "each node has a speed and cores");
    this.speeds = Float64Array.from(speeds);
    this.cores = Float64Array.from(cores);
    this.#running = speeds.map(() => []);
    this.#threadsRunning = new Float64Array(speeds.length);
    this.#clocks = new Float64Array(speeds.length);
    this.#readMs = new Float64Array(speeds.length);
    this.#leasts = new Float64Array(speeds.length).fill(Infinity);
    this.#strangersRunning = new Int32Array(speeds.length);
    this.#strangeThreads = new Float64Array(speeds.length);
    this.#usage = new Float64Array(4 * speeds.length);
  }

  /** Makes a job one that no balancer knows of; before it runs. */
  estrange(job: Job): void {
    this.#strangers.add(job);
  }

  /** Whether no balancer knows of a job. */
  isStranger(job: Job): boolean {
    return this.#strangers.has(job);
  }

  /** Number of jobs that a node runs and no balancer knows of. */
  strangers(node: number): number {
    return this.#strangersRunning[node] as number;
  }

  /** What a node's processors did from the start until now. */
  usage(node: number, nowMs: number): Usage {
    this.#read(node, nowMs);
    const sum = (index: number) => this.#usage[4 * node + index] as number;
    return { stalledMs: sum(0), idleMs: sum(1), ownMs: sum(2), otherMs: sum(3) };
  }

  /** Number of jobs that a node runs. */
  count(node: number): number {
    return (this.#running[node] as Job[]).length;
  }

  /** Number of threads that a node runs. */
  threads(node: number): number {
    return this.#threadsRunning[node] as number;
  }

  /** Whether some job has had other than one thread. */
  get haveThreads(): boolean {
    return this.#haveThreads;
  }

  /** How many threads of a job compute at a time. */
  threadsOf(job: Job): number {
    return this.#threads[job] as number;
  }

  /** The jobs that a node runs, in no order that means anything. */
  running(node: number): readonly Job[] {
    return this.#running[node] as Job[];
  }

  /** Largest job number so far, plus one: the size that tables by job must have. */
  get capacity(): number {
    return this.demands.length;
  }

  /** Makes a job that runs nowhere yet, of so much work for all its threads together. */
  make(demandMs: number, threads = 1): Job {
    assert(threads > 0, "a job computes");
    if (threads !== 1) this.#haveThreads = true;
    const job = this.#free.pop() ?? this.#jobs++;
    if (job >= this.demands.length) {
      const doubled = (old: Float64Array) => {
        const more = new Float64Array(2 * old.length);
        more.set(old);
        return more;
      };
      this.demands = doubled(this.demands);
      this.#threads = doubled(this.#threads);
      this.#marks = doubled(this.#marks);
      this.#stretches = doubled(this.#stretches);
    }
    this.demands[job] = demandMs;
    this.#threads[job] = threads;
    this.#marks[job] = demandMs / threads;
    this.#stretches[job] = 1;
    return job;
  }

  /** Makes the rest of a job that does not run so many times its work, for as long as that is said. */
  stretch(job: Job, factor: number): void {
    this.#marks[job] = (this.#marks[job] as number) * factor / (this.#stretches[job] as number);
    this.#stretches[job] = factor;
  }

  /**
   * Takes so much time of one core of a node off its jobs.
   *
   * @returns Whether they lack it: a free core does it for nothing.
   */
  spend(node: number, ms: number, nowMs: number): boolean {
    const threads = this.threads(node);
    if (threads < (this.cores[node] as number)) return false;
    this.#read(node, nowMs);
    this.#clocks[node] = (this.#clocks[node] as number) -
      ms * (this.speeds[node] as number) / threads;
    return true;
  }

  /** Gives a job's number back. It must not run. */
  forget(job: Job): void {
    this.#strangers.delete(job);
    this.#free.push(job);
  }

  /** Lets a job run on a node. */
  start(node: number, job: Job, nowMs: number): void {
    this.#read(node, nowMs);
    const mark = (this.#clocks[node] as number) + (this.#marks[job] as number);
    this.#marks[job] = mark;
    (this.#running[node] as Job[]).push(job);
    this.#threadsRunning[node] = (this.#threadsRunning[node] as number) + this.threadsOf(job);
    this.#countStranger(node, job, 1);
    if (mark < (this.#leasts[node] as number)) this.#leasts[node] = mark;
  }

  /** Takes a job off its node; it can go on there or elsewhere. */
  stop(node: number, job: Job, nowMs: number): void {
    this.#read(node, nowMs);
    const jobs = this.#running[node] as Job[];
    const index = jobs.indexOf(job);
    assert(index >= 0, "the job runs there");
    const mark = this.#marks[job] as number;
    this.#marks[job] = Math.max(0, mark - (this.#clocks[node] as number));
    this.#take(node, index);
  }

  /** When the next job of a node is done if nothing else happens, or Infinity. */
  nextEndMs(node: number): number {
    const least = this.#leasts[node] as number;
    if (least === Infinity) return Infinity;
    const left = Math.max(0, least - (this.#clocks[node] as number));
    return (this.#readMs[node] as number) + left / this.#rate(node);
  }

  /** Takes the job that is done off its node; the time is what nextEndMs() has told. */
  end(node: number, nowMs: number): Job {
    const least = this.#leasts[node] as number;
    const jobs = this.#running[node] as Job[];
    const index = jobs.findIndex((job) => this.#marks[job] === least);
    assert(index >= 0, "a job is done");
    const job = jobs[index] as Job;
    this.#account(node, nowMs);
    // Exactly, so that rounding never adds up.
    this.#clocks[node] = least;
    this.#readMs[node] = nowMs;
    this.#marks[job] = 0;
    this.#take(node, index);
    return job;
  }

  /** Work that is left of a job that runs on this node, in milliseconds at speed 1. */
  left(node: number, job: Job, nowMs: number): number {
    this.#read(node, nowMs);
    const left = Math.max(0, (this.#marks[job] as number) - (this.#clocks[node] as number));
    return left * this.threadsOf(job) / (this.#stretches[job] as number);
  }

  /** Work that is left of a job that does not run. */
  leftStopped(job: Job): number {
    const left = this.#marks[job] as number;
    return left * this.threadsOf(job) / (this.#stretches[job] as number);
  }

  /** How fast each thread of a node is. */
  #rate(node: number): number {
    const share = (this.cores[node] as number) / this.threads(node);
    return (this.speeds[node] as number) * (share < 1 ? share : 1);
  }

  #countStranger(node: number, job: Job, change: 1 | -1): void {
    if (this.#strangers.size === 0 || !this.#strangers.has(job)) return;
    const running = (this.#strangersRunning[node] as number) + change;
    const threads = (this.#strangeThreads[node] as number) + change * this.threadsOf(job);
    this.#strangersRunning[node] = running;
    this.#strangeThreads[node] = running === 0 ? 0 : threads;
  }

  /** Adds up what the processors did since the last reading. */
  #account(node: number, nowMs: number): void {
    const passedMs = nowMs - (this.#readMs[node] as number);
    const threads = this.threads(node);
    const cores = this.cores[node] as number;
    const busyMs = passedMs * Math.min(threads, cores);
    const others = threads === 0 ? 0 : (this.#strangeThreads[node] as number) / threads;
    const usage = this.#usage, at = 4 * node;
    if (threads > cores) usage[at] = (usage[at] as number) + passedMs;
    usage[at + 1] = (usage[at + 1] as number) + passedMs * cores - busyMs;
    usage[at + 2] = (usage[at + 2] as number) + busyMs * (1 - others);
    usage[at + 3] = (usage[at + 3] as number) + busyMs * others;
  }

  #read(node: number, nowMs: number): void {
    this.#account(node, nowMs);
    if ((this.#running[node] as Job[]).length > 0) {
      const passedMs = nowMs - (this.#readMs[node] as number);
      this.#clocks[node] = (this.#clocks[node] as number) + passedMs * this.#rate(node);
    } else {
      this.#clocks[node] = 0;
    }
    this.#readMs[node] = nowMs;
  }

  #take(node: number, index: number): void {
    const jobs = this.#running[node] as Job[];
    const taken = jobs[index] as Job;
    this.#countStranger(node, taken, -1);
    const last = jobs.pop() as Job;
    if (index < jobs.length) jobs[index] = last;
    // Exactly, so that rounding never adds up.
    const threads = (this.#threadsRunning[node] as number) - this.threadsOf(taken);
    this.#threadsRunning[node] = jobs.length === 0 ? 0 : threads;
    let least = Infinity;
    for (const job of jobs) least = Math.min(least, this.#marks[job] as number);
    this.#leasts[node] = least;
  }
}
