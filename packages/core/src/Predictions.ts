/**
 * What a planner may ask about the future. Made from the history of earlier runs; {@link none} knows nothing.
 */

/**
 * What a prediction rests on, the best first: measurements of the same (task, memory, …); measurements of the same task
 * with other memory, scaled by a law that was fitted to them; the user's hints.
 */
export type Basis = "measured" | "scaled" | "hint"

/** A predicted quantity as a distribution. */
export interface Prediction {
  readonly mean: number
  /** The value that a share `p` (0 to 1) of outcomes stays below. Never falls as `p` rises. */
  readonly percentile: (p: number) => number
  /** How many measurements it rests on; 0 for hints. */
  readonly samples: number
  readonly basis: Basis
  /**
   * How far the question lies outside of what was measured, as a factor: 1 inside, 4 for four times the bytes or the memory
   * that was ever seen, or a quarter of the least.
   */
  readonly extrapolation: number
}

/** A worker, as far as it is known. */
export interface WorkerShape {
  /** In MiB. */
  readonly memory?: number
  /** How it begins: what is new is slower. Default `"warm"`. */
  readonly start?: Start
}

/** A call, and the worker that runs it, as far as they are known. */
export interface CallShape extends WorkerShape {
  /** Encoded bytes of its inputs together. */
  readonly inputBytes?: number
}

/** How a worker, or a run, begins: in what was started for it (of a run: some of it), or in what others have left. */
export type Start = "cold" | "warm"

/** How a run begins of which so many cold starts are expected. */
export const startOf = (coldStarts: number): Start => (coldStarts > 0 ? "cold" : "warm")

/** How runs turned out beside what had been predicted of them. */
export interface Calibration {
  /** Real makespan as a multiple of the predicted one, before that was corrected. */
  readonly ratio: Prediction
  /** Makespans of this planner's own runs, in ms; `undefined` if all that is known is how others' turned out. */
  readonly makespanMs: Prediction | undefined
}

/** Answers are `undefined` where nothing is known. */
export interface Predictions {
  /** How many finished runs of this workflow (the same signature) are known. */
  readonly runs: number
  /** How many of them began like this. */
  readonly runsBegun: (start: Start) => number
  /** How long one call of the task takes on a worker that has its processor for itself, in ms. */
  readonly executionMs: (task: string, shape: CallShape) => Prediction | undefined
  /** How much of {@link executionMs} is computing at the speed of one whole core, in ms; the rest is waiting. */
  readonly processorMs: (task: string, shape: CallShape) => Prediction | undefined
  /** How large the result of one call is, in encoded bytes. */
  readonly outputBytes: (task: string, shape: CallShape) => Prediction | undefined
  /** How long a list is that an `each` opens, by the node that opens it (`expand`). */
  readonly width: (expand: number) => Prediction | undefined
  /**
   * How long a worker takes to get (`read`) or put (`write`) one value of so many encoded bytes, in ms. Cold is the first
   * transfer in a new environment.
   */
  readonly transferMs: (
    direction: "read" | "write",
    bytes: number,
    worker?: WorkerShape
  ) => Prediction | undefined
  /** From the moment an invocation is sent until its worker begins, in ms, by what its worker finds. */
  readonly startMs: (start: Start, memory: number) => Prediction | undefined
  /** How long sending one invocation keeps the sender, in ms, by how that one began (default `"warm"`). */
  readonly invokeMs: (start?: Start) => Prediction | undefined
  /** How long one call of coordination takes, in ms, by how the worker began that calls (default `"warm"`). */
  readonly coordinationMs: (start?: Start) => Prediction | undefined
  /** How many warm environments of a memory size (MiB) there should be when the run begins. */
  readonly warm: (memory: number) => number
  /**
   * How runs of this workflow on this engine with this planner turned out, that were expected to begin like this; if there
   * was none, those with other planners.
   */
  readonly calibration: (planner: string, start: Start) => Calibration | undefined
}

/** Which value of a distribution a plan counts with: the mean, or a percentile (0 to 1, exclusive). */
export type Sla = "average" | number

/** The value of a prediction that a plan counts with. */
export const at = (prediction: Prediction, sla: Sla): number =>
  sla === "average" ? prediction.mean : prediction.percentile(sla)

const unknown = () => undefined

/** No history: nothing is known. */
export const none: Predictions = {
  runs: 0,
  runsBegun: () => 0,
  executionMs: unknown,
  processorMs: unknown,
  outputBytes: unknown,
  width: unknown,
  transferMs: unknown,
  startMs: unknown,
  invokeMs: unknown,
  coordinationMs: unknown,
  warm: () => 0,
  calibration: unknown
}
