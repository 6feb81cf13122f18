/**
 * What the service tells about its work: one record for each invocation, and what became of events that had none.
 */

/** A fault that was made on purpose, of an invocation. */
export type FaultName = "doubled" | "late" | "killed"

/** One invocation of a function: of an event that is tried again, each attempt. */
export interface InvocationRecord {
  readonly requestId: string
  readonly functionName: string
  /** As "$LATEST" or "3". */
  readonly version: string
  readonly type: "RequestResponse" | "Event"
  /** 1, or more if an event was tried again after an error. */
  readonly attempt: number
  /** The environment's id: those of one environment came one after the other. */
  readonly environment: string
  readonly start: "cold" | "warm"
  /** When the request came, in ms since 1970. */
  readonly receivedAt: number
  /** From the request, or from the end of the attempt before, to the attempt's begin, in ms: latency, delays, throttling. */
  readonly queuedMs: number
  /** Initialisation of a cold start, in ms. */
  readonly initMs: number | undefined
  readonly durationMs: number
  /** Whole milliseconds, initialisation included. */
  readonly billedMs: number
  readonly memoryMiB: number
  readonly maxMemoryMiB: number
  readonly gbSeconds: number
  /** US dollars, without the free tier. */
  readonly usd: number
  readonly error: InvocationError | undefined
  /** The faults that acted on it. */
  readonly faults: ReadonlyArray<FaultName>
}

/** How an invocation failed. */
export interface InvocationError {
  /** As "Error", "TypeError", "Sandbox.Timedout", "Runtime.ExitError". */
  readonly type: string
  readonly message: string
  /** Whether the function did not report it itself: it timed out, or its process ended. */
  readonly unhandled: boolean
}

/** Why an event went to a destination, or nowhere. */
export type EventCondition =
  | "Success"
  | "RetriesExhausted"
  | "EventAgeExceeded"
  | "ReservedConcurrencyIsZero"
  | "RecursiveInvocation"

/** An event that went to a destination. */
export interface Destined {
  readonly requestId: string
  readonly functionName: string
  readonly condition: EventCondition
  /** An ARN. Only functions of this service are invoked; for others, as queues, this record is all there is. */
  readonly destination: string
  /** What is sent there, as AWS sends it. */
  readonly record: unknown
}

/** An event of which nothing is left. */
export interface Lost {
  readonly requestId: string
  readonly functionName: string
  /** A fault that was made on purpose, a function that was deleted, or a condition for which there is no destination. */
  readonly reason: "dropped" | "deleted" | Exclude<EventCondition, "Success">
}

/** Sums over all invocations. */
export interface Totals {
  readonly invocations: number
  readonly coldStarts: number
  readonly errors: number
  /** Requests and attempts that were refused with 429. */
  readonly throttles: number
  readonly billedMs: number
  readonly gbSeconds: number
  /** US dollars, without the free tier. */
  readonly usd: number
  /** How many environments there have been, and how many at once. */
  readonly environments: number
  readonly mostEnvironments: number
}

/** All that has happened so far. */
export interface Report {
  /** In the order in which they ended; the last 100,000. */
  readonly invocations: ReadonlyArray<InvocationRecord>
  readonly destinations: ReadonlyArray<Destined>
  readonly lost: ReadonlyArray<Lost>
  readonly totals: Totals
}

/** So many records of a kind are kept. */
const MOST_RECORDS = 100_000

/** Collects records. */
export class Recorder {
  private readonly invocations: Array<InvocationRecord> = []
  private readonly destinations: Array<Destined> = []
  private readonly lost: Array<Lost> = []
  private environments = 0
  private readonly totals = {
    invocations: 0,
    coldStarts: 0,
    errors: 0,
    throttles: 0,
    billedMs: 0,
    gbSeconds: 0,
    usd: 0,
    environments: 0,
    mostEnvironments: 0
  }
  private readonly onInvocation: ((record: InvocationRecord) => void) | undefined

  constructor(onInvocation: ((record: InvocationRecord) => void) | undefined) {
    this.onInvocation = onInvocation
  }

  invoked(record: InvocationRecord): void {
    keep(this.invocations, record)
    const { totals } = this
    totals.invocations++
    if (record.start === "cold") totals.coldStarts++
    if (record.error !== undefined) totals.errors++
    totals.billedMs += record.billedMs
    totals.gbSeconds += record.gbSeconds
    totals.usd += record.usd
    this.onInvocation?.(record)
  }

  throttled(): void {
    this.totals.throttles++
  }

  environmentStarted(): void {
    this.totals.environments++
    this.environments++
    this.totals.mostEnvironments = Math.max(this.totals.mostEnvironments, this.environments)
  }

  environmentEnded(): void {
    this.environments--
  }

  destined(record: Destined): void {
    keep(this.destinations, record)
  }

  lostEvent(record: Lost): void {
    keep(this.lost, record)
  }

  report(): Report {
    return {
      invocations: [...this.invocations],
      destinations: [...this.destinations],
      lost: [...this.lost],
      totals: { ...this.totals }
    }
  }
}

/** Drops a tenth at a time, so that it costs little. */
const keep = <A>(records: Array<A>, record: A) => {
  if (records.length >= MOST_RECORDS) records.splice(0, MOST_RECORDS / 10)
  records.push(record)
}
