// Facts of runs that never were.
import type { Facts, NodeFact, WorkerFact } from "../src/index.ts"

export const node = (parts: Partial<NodeFact> = {}): NodeFact => ({
  instance: 0,
  worker: 0,
  attempt: 1,
  startedMs: 0,
  inputsMs: 0,
  executionMs: 100,
  processorMs: undefined,
  publishMs: 0,
  inputBytes: 0,
  readBytes: 0,
  preloadedBytes: 0,
  preloadedMs: 0,
  outputBytes: 0,
  writtenBytes: 0,
  tries: 1,
  ...parts
})

export const worker = (parts: Partial<WorkerFact> = {}): WorkerFact => ({
  worker: "w0",
  named: false,
  memory: 1769,
  invokedMs: 0,
  beganMs: 20,
  endedMs: 1000,
  cold: false,
  loadMs: 0,
  roundTrips: 1,
  callsMs: [],
  invokesMs: [],
  prewarmed: 0,
  bytesRead: 0,
  bytesWritten: 0,
  ...parts
})

export const facts = (parts: Partial<Facts> = {}): Facts => ({
  run: "run",
  workflow: "flow",
  signature: "signature",
  planner: "simple",
  engine: "lambda",
  status: "succeeded",
  begunAt: 1_000_000,
  makespanMs: 1000,
  nodes: [],
  workers: [worker()],
  widths: [],
  taskOf: () => "blur",
  ...parts
})

/** Numbers from 0 to 1, the same ones each time (mulberry32). */
export const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** Positive numbers around `median`, whose logarithms are normal with deviation `sigma`. */
export const lognormal = (next: () => number, median: number, sigma: number): number =>
  median * Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()))
