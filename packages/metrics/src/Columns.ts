/**
 * Node facts as columns: a typed array for each field of `NodeFact`, which grows. Adding a row makes no object.
 *
 * As bytes a column whose values are all the same, as most are, is that value. An instance is its node's id; those inside
 * an `each` are numbers below 0 that refer to a list of ids.
 */
import type { InstanceId } from "@weft/core"
import type { Measure } from "@weft/storage"
import * as Schema from "effect/Schema"

type Arrays = typeof TYPES
type Name = keyof Arrays

/** Moments need every digit, durations seven of them, bytes are whole numbers of up to 53 bits. */
const TYPES = {
  worker: Uint32Array,
  attempt: Uint16Array,
  startedMs: Float64Array,
  inputsMs: Float32Array,
  executionMs: Float32Array,
  /** NaN: not measured. */
  processorMs: Float32Array,
  publishMs: Float32Array,
  inputBytes: Float64Array,
  readBytes: Float64Array,
  preloadedBytes: Float64Array,
  preloadedMs: Float32Array,
  outputBytes: Float64Array,
  writtenBytes: Float64Array,
  tries: Uint16Array
} as const
const NAMES = Object.keys(TYPES) as ReadonlyArray<Name>

/** What is known of a node's inputs. */
export interface Read {
  /** Encoded bytes of inputs that came from other workers. */
  readonly cameBytes: number
  readonly preloadedBytes: number
  readonly preloadedMs: number
}

/** What one row says. */
export type Row = { readonly [K in Exclude<Name, "processorMs">]: number } & {
  readonly instance: InstanceId
  readonly processorMs: number | undefined
}

const FIRST_CAPACITY = 64
const MOST_UINT16 = 65_535

export class Columns {
  length = 0
  private capacity: number
  private instance: Int32Array
  private readonly ids: Array<string> = []
  private worker: Uint32Array
  private attempt: Uint16Array
  private startedMs: Float64Array
  private inputsMs: Float32Array
  private executionMs: Float32Array
  private processorMs: Float32Array
  private publishMs: Float32Array
  private inputBytes: Float64Array
  private readBytes: Float64Array
  private preloadedBytes: Float64Array
  private preloadedMs: Float32Array
  private outputBytes: Float64Array
  private writtenBytes: Float64Array
  private tries: Uint16Array

  constructor(capacity = FIRST_CAPACITY) {
    this.capacity = capacity
    this.instance = new Int32Array(capacity)
    this.worker = new Uint32Array(capacity)
    this.attempt = new Uint16Array(capacity)
    this.startedMs = new Float64Array(capacity)
    this.inputsMs = new Float32Array(capacity)
    this.executionMs = new Float32Array(capacity)
    this.processorMs = new Float32Array(capacity)
    this.publishMs = new Float32Array(capacity)
    this.inputBytes = new Float64Array(capacity)
    this.readBytes = new Float64Array(capacity)
    this.preloadedBytes = new Float64Array(capacity)
    this.preloadedMs = new Float32Array(capacity)
    this.outputBytes = new Float64Array(capacity)
    this.writtenBytes = new Float64Array(capacity)
    this.tries = new Uint16Array(capacity)
  }

  /** Adds a row of what was measured of a node, and makes no object, nor boxes a number. NaN: not measured. */
  record(
    instance: InstanceId,
    worker: number,
    attempt: number,
    measure: Measure,
    read: Read,
    processorMs: number,
    publishMs: number
  ): void {
    const at = this.next(instance, worker, attempt, measure.tries)
    this.startedMs[at] = measure.startedAt - measure.inputsMs
    this.inputsMs[at] = measure.inputsMs
    this.executionMs[at] = measure.executionMs
    this.processorMs[at] = processorMs
    this.publishMs[at] = publishMs
    this.inputBytes[at] = Math.max(read.cameBytes, measure.inputBytes)
    this.readBytes[at] = measure.inputBytes
    this.preloadedBytes[at] = read.preloadedBytes
    this.preloadedMs[at] = read.preloadedMs
    this.outputBytes[at] = measure.outputBytes
    this.writtenBytes[at] = measure.outputBytes
  }

  /** Adds a row. */
  add(row: Row): void {
    const at = this.next(row.instance, row.worker, row.attempt, row.tries)
    this.startedMs[at] = row.startedMs
    this.inputsMs[at] = row.inputsMs
    this.executionMs[at] = row.executionMs
    this.processorMs[at] = row.processorMs ?? Number.NaN
    this.publishMs[at] = row.publishMs
    this.inputBytes[at] = row.inputBytes
    this.readBytes[at] = row.readBytes
    this.preloadedBytes[at] = row.preloadedBytes
    this.preloadedMs[at] = row.preloadedMs
    this.outputBytes[at] = row.outputBytes
    this.writtenBytes[at] = row.writtenBytes
  }

  private next(instance: InstanceId, worker: number, attempt: number, tries: number): number {
    if (this.length === this.capacity) this.grow()
    const at = this.length++
    this.instance[at] = typeof instance === "number" ? instance : -this.ids.push(instance)
    this.worker[at] = worker
    this.attempt[at] = Math.min(attempt, MOST_UINT16)
    this.tries[at] = Math.min(tries, MOST_UINT16)
    return at
  }

  private grow(): void {
    this.capacity = Math.max(FIRST_CAPACITY, this.capacity * 2)
    const own = this as unknown as Record<string, TypedArray>
    for (const name of ["instance", ...NAMES]) {
      const old = own[name]!
      const grown = new (old.constructor as new (length: number) => TypedArray)(this.capacity)
      grown.set(old)
      own[name] = grown
    }
  }

  instanceAt(row: number): InstanceId {
    const instance = this.instance[row]!
    return instance < 0 ? this.ids[-instance - 1]! : instance
  }

  workerAt(row: number): number {
    return this.worker[row]!
  }

  attemptAt(row: number): number {
    return this.attempt[row]!
  }

  /** When the row's node was complete but for being told. */
  endAt(row: number): number {
    return this.startedMs[row]! + this.inputsMs[row]! + this.executionMs[row]! + this.publishMs[row]!
  }

  row(at: number): Row {
    const processorMs = this.processorMs[at]!
    return {
      instance: this.instanceAt(at),
      worker: this.worker[at]!,
      attempt: this.attempt[at]!,
      startedMs: this.startedMs[at]!,
      inputsMs: this.inputsMs[at]!,
      executionMs: this.executionMs[at]!,
      processorMs: Number.isNaN(processorMs) ? undefined : processorMs,
      publishMs: this.publishMs[at]!,
      inputBytes: this.inputBytes[at]!,
      readBytes: this.readBytes[at]!,
      preloadedBytes: this.preloadedBytes[at]!,
      preloadedMs: this.preloadedMs[at]!,
      outputBytes: this.outputBytes[at]!,
      writtenBytes: this.writtenBytes[at]!,
      tries: this.tries[at]!
    }
  }

  /** All rows, as data for `Codec`. */
  data(): Data {
    const own = this as unknown as Readonly<Record<Name, TypedArray>>
    const columns = Object.fromEntries(NAMES.map((name) => [name, compact(own[name], this.length)]))
    return {
      instance: this.instance.slice(0, this.length),
      ids: this.ids,
      ...columns
    } as unknown as Data
  }

  /**
   * Rows from data that {@link data} made and somebody else may have changed; what is no row (an amount below 0 or not
   * finite, an unknown instance) is left out, and all if the columns are not of one length.
   */
  static from(data: Data): Columns {
    const count = data.instance.length
    const columns = new Columns(0)
    const own = columns as unknown as Record<string, TypedArray>
    const isRow = data.instance.map((instance) => Number(instance >= -data.ids.length))
    for (const name of NAMES) {
      const given = data[name] as TypedArray | number
      const values = typeof given === "number" ? new TYPES[name](count).fill(given) : given
      if (values.length !== count) return new Columns()
      for (let row = 0; row < count; row++) if (!isAmount(name, values[row]!)) isRow[row] = 0
      own[name] = values
    }
    own.instance = data.instance
    for (const id of data.ids) columns.ids.push(id)
    columns.capacity = count
    columns.length = count
    return isRow.includes(0) ? columns.filter((row) => isRow[row] === 1) : columns
  }

  /** The rows for which `wanted` holds. */
  filter(wanted: (row: number) => boolean): Columns {
    const kept = new Columns()
    for (let row = 0; row < this.length; row++) if (wanted(row)) kept.add(this.row(row))
    return kept
  }
}

type TypedArray = Int32Array | InstanceType<Arrays[Name]>

/** A worker's clock may be off: a moment may lie before the run's begin. */
const isAmount = (name: Name, value: number): boolean =>
  name === "processorMs" && Number.isNaN(value)
    ? true
    : Number.isFinite(value) && (value >= 0 || name === "startedMs")

/** A column as data: one number if all its values are the same. */
const compact = (column: TypedArray, length: number): TypedArray | number => {
  const first = column[0]
  if (length === 0 || first === undefined) return 0
  // All are the same if each is like the one before it: one comparison of memory.
  const { buffer, byteOffset, BYTES_PER_ELEMENT: size } = column
  const bytes = Buffer.from(buffer, byteOffset, length * size)
  const isConstant = bytes.subarray(size).equals(bytes.subarray(0, -size))
  return isConstant ? first : column.slice(0, length)
}

const uint16 = Schema.Union([Schema.Number, Schema.instanceOf(Uint16Array)])
const uint32 = Schema.Union([Schema.Number, Schema.instanceOf(Uint32Array)])
const float32 = Schema.Union([Schema.Number, Schema.instanceOf(Float32Array)])
const float64 = Schema.Union([Schema.Number, Schema.instanceOf(Float64Array)])

/** Columns as data. */
export const Data = Schema.Struct({
  instance: Schema.instanceOf(Int32Array),
  ids: Schema.Array(Schema.String),
  worker: uint32,
  attempt: uint16,
  startedMs: float64,
  inputsMs: float32,
  executionMs: float32,
  processorMs: float32,
  publishMs: float32,
  inputBytes: float64,
  readBytes: float64,
  preloadedBytes: float64,
  preloadedMs: float32,
  outputBytes: float64,
  writtenBytes: float64,
  tries: uint16
})
export type Data = typeof Data.Type
