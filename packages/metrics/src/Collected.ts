/**
 * The batches of a run put together: what was accepted as complete, once each, and the lives of its workers.
 *
 * Several rows may be of one instance: its worker was taken for lost, or an invocation came twice. Then the one whose
 * completion was refused does not count; of others the latest attempt does (a worker that was lost before it told anybody
 * was followed by another), and of these the one that ended first.
 */
import { type Graph, Instance, type InstanceId } from "@weft/core"
import type { TaskSummary, WorkerCount } from "@weft/storage"
import * as Batch from "./Batch.ts"
import { Columns } from "./Columns.ts"
import { type Facts, type NodeFact, startingMs, type WorkerFact } from "./Facts.ts"

/** What is known of a run beside what workers measured. */
export interface Known extends Omit<Facts, "nodes" | "workers" | "widths" | "taskOf"> {
  readonly graph: Graph.Graph
  /** How many workers can run at the same moment, if that is limited. */
  readonly concurrency?: number | undefined
}

/** So many nodes are kept of a run: more would not say more. */
const MOST_NODES = 10_000
/** ... and so many of each task, if there are. */
const LEAST_OF_TASK = 100

/** A batch's number here, and a row of it, in one number: there may be millions. */
type Place = number
const ROWS = 2 ** 27

interface Read {
  readonly batch: Batch.Batch
  readonly columns: Columns
}

interface KnownLife {
  readonly index: number
  readonly process: string
  number: number
  life: Batch.Life
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export class Collected {
  private readonly read: Array<Read> = []
  private readonly keys = new Set<string>()
  private readonly places = new Map<InstanceId, Place>()
  /** Of instances that were run more than once. */
  private readonly more = new Map<InstanceId, Array<Place>>()
  private readonly refused = new Set<string>()
  private readonly encoded = new Map<InstanceId, number>()
  private readonly widths = new Map<InstanceId, number>()
  private readonly lives = new Map<string, KnownLife>()
  /** By process: what its latest batch says. */
  private readonly offsets = new Map<string, { number: number; offsetMs: number }>()

  /** How many instances are known to be complete. */
  get completed(): number {
    return this.places.size
  }

  /** Takes in a batch. What is none, or is known already, changes nothing. */
  add(bytes: Uint8Array): void {
    const batch = Batch.decode(bytes)
    if (batch === undefined) return
    const { number, offsetMs, process } = batch
    const key = `${process} ${number}`
    if (this.keys.has(key)) return
    this.keys.add(key)
    const columns = Columns.from(batch.nodes)
    const first = this.read.push({ batch, columns }) * ROWS - ROWS
    for (const [life, instance] of batch.refused) this.refused.add(refusal(process, life, instance))
    for (const [instance, size] of batch.encoded) this.encoded.set(instance, size)
    for (const [instance, width] of batch.widths) this.widths.set(instance, width)
    if (number >= (this.offsets.get(process)?.number ?? 0)) this.offsets.set(process, { number, offsetMs })
    for (const life of batch.lives) this.addLife(process, number, life)
    for (let row = 0; row < columns.length; row++) this.addPlace(columns.instanceAt(row), first + row)
  }

  private addLife(process: string, number: number, life: Batch.Life) {
    const key = `${process} ${life.life}`
    const known = this.lives.get(key)
    if (known === undefined) this.lives.set(key, { index: this.lives.size, process, number, life })
    else if (number > known.number) Object.assign(known, { number, life })
  }

  private addPlace(instance: InstanceId, place: Place) {
    if (!this.places.has(instance)) this.places.set(instance, place)
    else this.more.set(instance, [...(this.more.get(instance) ?? []), place])
  }

  /** The rows that count. */
  private accepted(): ReadonlyArray<Place> {
    const accepted: Array<Place> = []
    for (const [instance, place] of this.places) {
      const others = this.more.get(instance)
      if (others === undefined && this.refused.size === 0) accepted.push(place)
      else accepted.push(this.best(instance, [place, ...(others ?? [])]))
    }
    return accepted
  }

  private best(instance: InstanceId, places: ReadonlyArray<Place>): Place {
    const accepted = places.filter((place) => {
      const { batch, columns, row } = this.at(place)
      return !this.refused.has(refusal(batch.process, columns.workerAt(row), instance))
    })
    // Who tells again because the answer was lost is refused, too.
    const [first, ...others] = accepted.length === 0 ? places : accepted
    return others.reduce((best, place) => (this.isBetter(place, best) ? place : best), first!)
  }

  private isBetter(place: Place, other: Place): boolean {
    const [a, b] = [this.at(place), this.at(other)]
    const attempts = a.columns.attemptAt(a.row) - b.columns.attemptAt(b.row)
    return attempts === 0 ? this.endAt(place) < this.endAt(other) : attempts > 0
  }

  private at(place: Place): Read & { readonly row: number } {
    const row = place % ROWS
    return { ...this.read[(place - row) / ROWS]!, row }
  }

  private endAt(place: Place): number {
    const { batch, columns, row } = this.at(place)
    return columns.endAt(row) + this.offsetOf(batch.process)
  }

  private offsetOf(process: string): number {
    return this.offsets.get(process)?.offsetMs ?? 0
  }

  /** What was measured of the run, as facts. */
  facts({ concurrency, graph, ...known }: Known): Facts {
    const { begunAt } = known
    const taskOf = (node: number) => graph.task(node)?.name
    const nodes = sample(this.accepted(), (place) => graph.columns.codes[this.nodeAt(place)]!)
      .map(({ place, weight }) => this.fact(place, weight, begunAt))
      .filter(({ instance }) => Instance.nodeOf(instance) < graph.size)
      .sort((a, b) => a.startedMs - b.startedMs)
    const widths = [...this.widths].map(([expand, width]) => [Instance.nodeOf(expand), width] as const)
    return { ...known, nodes, workers: this.workers(begunAt, concurrency), widths, taskOf }
  }

  private nodeAt(place: Place): number {
    const { columns, row } = this.at(place)
    return Instance.nodeOf(columns.instanceAt(row))
  }

  private fact(place: Place, weight: number, begunAt: number): NodeFact {
    const { batch, columns, row } = this.at(place)
    const { outputBytes, startedMs, worker, ...rest } = columns.row(row)
    return {
      ...rest,
      worker: this.lives.get(`${batch.process} ${worker}`)?.index ?? 0,
      startedMs: startedMs + this.offsetOf(batch.process) - begunAt,
      outputBytes: Math.max(outputBytes, this.encoded.get(rest.instance) ?? 0),
      ...(weight === 1 ? {} : { weight })
    }
  }

  private workers(begunAt: number, concurrency = Number.POSITIVE_INFINITY): ReadonlyArray<WorkerFact> {
    const lives = [...this.lives.values()].map(({ life, process }): Lived => {
      const ours = this.offsetOf(process) - begunAt
      const beganMs = life.beganAt + ours
      return { life, process, beganMs, endedMs: Math.max(beganMs, life.endedAt + ours) }
    })
    const byProcess = Map.groupBy(lives, ({ process }) => process)
    const placesAt = placesFrom(lives, concurrency)
    return lives.map((one, i) => {
      const { beganAt: _, endedAt: __, life: ___, sentAt, ...rest } = one.life
      const invokedMs = sentAt === undefined ? undefined : sentAt - begunAt
      // Where environments are not told apart a worker may leave its place to others.
      const freeMs =
        rest.cold === undefined
          ? Number.NEGATIVE_INFINITY
          : Math.max(freeFrom(one, byProcess.get(one.process)!), placesAt[i]!)
      return {
        ...rest,
        memory: rest.memory,
        cold: rest.cold,
        invokedMs,
        ...(invokedMs !== undefined && freeMs > invokedMs ? { freeMs } : {}),
        beganMs: one.beganMs,
        endedMs: one.endedMs
      }
    })
  }

  /** What the calls of each task took together, the most time first. */
  tasks(graph: Graph.Graph): ReadonlyArray<TaskSummary> {
    const tasks = new Map<string, Mutable<TaskSummary>>()
    for (const place of this.accepted()) {
      const { columns, row } = this.at(place)
      const { executionMs, inputBytes, instance, outputBytes } = columns.row(row)
      const task = graph.task(Instance.nodeOf(instance))?.name
      if (task === undefined) continue
      const known = tasks.get(task)
      if (known === undefined) {
        tasks.set(task, { task, calls: 1, executionMs, longestMs: executionMs, inputBytes, outputBytes })
        continue
      }
      known.calls++
      known.executionMs += executionMs
      known.longestMs = Math.max(known.longestMs, executionMs)
      known.inputBytes += inputBytes
      known.outputBytes += outputBytes
    }
    return [...tasks.values()].sort((a, b) => b.executionMs - a.executionMs)
  }
}

/** What was measured of a run, from the batches of its workers. */
export const fromBatches = (batches: ReadonlyArray<Uint8Array>, known: Known): Facts => {
  const collected = new Collected()
  for (const batch of batches) collected.add(batch)
  return collected.facts(known)
}

/** A life of a worker, in ms since its run began. */
interface Lived extends Pick<KnownLife, "life" | "process"> {
  readonly beganMs: number
  readonly endedMs: number
}

/** When an environment, which runs one worker at a time, was done with what it ran before. */
const freeFrom = ({ beganMs }: Lived, ofProcess: ReadonlyArray<Lived>): number =>
  ofProcess.reduce(
    (latest, other) =>
      other.beganMs < beganMs ? Math.max(latest, Math.min(other.endedMs, beganMs)) : latest,
    Number.NEGATIVE_INFINITY
  )

/** For each worker since when there was a place for it, of as many as can run at the same moment. */
const placesFrom = (lives: ReadonlyArray<Lived>, concurrency: number): ReadonlyArray<number> => {
  const from = new Array<number>(lives.length).fill(Number.NEGATIVE_INFINITY)
  if (lives.length <= concurrency) return from
  const ends = lives.map(({ endedMs }) => endedMs).sort((a, b) => a - b)
  const byBegin = [...lives.keys()].sort((a, b) => lives[a]!.beganMs - lives[b]!.beganMs)
  let [ended, free] = [0, Number.NEGATIVE_INFINITY]
  for (const [begun, i] of byBegin.entries()) {
    const { beganMs } = lives[i]!
    for (; ended < begun && ends[ended]! <= beganMs; ended++)
      if (begun - ended === concurrency) free = ends[ended]!
    from[i] = free
  }
  return from
}

/** What all workers of a run took together. */
export const totals = (workers: ReadonlyArray<WorkerFact>) => {
  const sizes = new Map<number, Mutable<WorkerCount>>()
  const sum = { gbSeconds: 0, bytesRead: 0, bytesWritten: 0, roundTrips: 0 }
  for (const worker of workers) {
    const { beganMs, bytesRead, bytesWritten, cold, endedMs, memory, roundTrips } = worker
    sum.bytesRead += bytesRead
    sum.bytesWritten += bytesWritten
    sum.roundTrips += roundTrips
    if (memory === undefined) continue
    // Starting an environment is paid for, too.
    const paidFrom = cold === true ? (startingMs(worker) ?? beganMs) : beganMs
    sum.gbSeconds += ((memory / 1024) * (endedMs - Math.min(beganMs, paidFrom))) / 1000
    const known = sizes.get(memory) ?? { memory, workers: 0, cold: 0 }
    sizes.set(memory, { memory, workers: known.workers + 1, cold: known.cold + (cold === true ? 1 : 0) })
  }
  return { ...sum, workers: [...sizes.values()].sort((a, b) => a.memory - b.memory) }
}

const refusal = (process: string, life: number, instance: InstanceId): string =>
  `${process} ${life} ${instance}`

/** An even sample of each task's rows, and how many rows each of them stands for. */
const sample = (
  places: ReadonlyArray<Place>,
  codeOf: (place: Place) => number
): ReadonlyArray<{ readonly place: Place; readonly weight: number }> => {
  if (places.length <= MOST_NODES) return places.map((place) => ({ place, weight: 1 }))
  const share = MOST_NODES / places.length
  return [...Map.groupBy(places, codeOf).values()].flatMap((same) => {
    const count = Math.min(same.length, Math.max(LEAST_OF_TASK, Math.floor(same.length * share)))
    const weight = same.length / count
    return Array.from({ length: count }, (_, i) => ({ place: same[Math.floor(i * weight)]!, weight }))
  })
}
