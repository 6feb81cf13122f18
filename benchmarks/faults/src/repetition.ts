/** One repetition: a run, a fault at a random moment of it, and whether all was well in the end. */
import { setTimeout as sleep } from "node:timers/promises"
import { inspect } from "node:util"
import { redis } from "@weft/storage-redis"
import { attach, RunFailed, submit, UnknownRun } from "weft"
import * as Deliveries from "./deliveries.ts"
import { type Fault, workersIn } from "./faults.ts"
import * as Journal from "./journal.ts"
import { random } from "./random.ts"
import * as settings from "./settings.ts"
import { INLINE_BYTES, type Store } from "./store.ts"
import { gone, signal, workersOf } from "./workers.ts"
import * as Workload from "./workload.ts"
import { type Elsewhere, follow, startClient, type World } from "./world.ts"

/** What repetitions of one fault share. */
export interface Place {
  readonly fault: Fault
  readonly store: Store
  readonly engine: ReturnType<typeof settings.makeEngine>
  /** Where tasks write things down. */
  readonly folder: string
  /** What was written to stderr lately. */
  readonly stderr: () => string
}

export type Verdict = "survived" | "wrong" | "hung"

/** How a repetition went. */
export interface Outcome {
  readonly verdict: Verdict
  readonly seed: number
  readonly workers: number
  /** The share of the run that was complete when the fault came. */
  readonly share: number
  /** What was not right, or the error that the run may end with. */
  readonly detail: string | undefined
  readonly runMs: number
  /** From the fault to the end of the last task that had to be begun again, in ms. */
  readonly recoveryMs: number | undefined
}

/** What takes longer hangs, in ms. */
const HUNG_MS = 60_000
/** How long what is left of a run may take to go away, in ms: a worker that comes late removes what it brought. */
const LEFT_MS = 10_000
/** How long processes whose run is over may take to end, in ms. */
const GONE_MS = 20_000

class Hung extends Error {}

const within = <A>(promise: Promise<A>): Promise<A> => {
  const late = new AbortController()
  const hung = sleep(HUNG_MS, undefined, { signal: late.signal }).then(() => Promise.reject(new Hung()))
  return Promise.race([promise, hung]).finally(() => {
    late.abort()
    hung.catch(() => {})
  })
}

/** How a run ended. */
interface Ended {
  readonly run: string
  readonly value: unknown
  readonly error: unknown
  /** When the fault came, by `Date.now()`; `undefined` if the run had ended before. */
  readonly struckAt: number | undefined
}

const settle = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error })
  )

/** What one repetition is about. */
interface Plan {
  readonly repetition: number
  readonly seed: number
  readonly workers: number
  readonly share: number
  readonly next: World["next"]
  readonly events: Array<string>
  run: string | undefined
}

const storesOf = ({ fault, store }: Place) =>
  (fault.stores ?? redis)({ url: store.url, inlineBytes: INLINE_BYTES })

/** With the client in this process. */
const here = async (place: Place, plan: Plan): Promise<Ended> => {
  const { engine, fault, store } = place
  const { next, repetition, seed, share, workers } = plan
  const nodes = Workload.build(Workload.make(seed, fault.workload))
  const over = new AbortController()
  const undo = fault.deliver === undefined ? () => {} : Deliveries.use(fault.deliver({ next }))
  try {
    const handle = await submit(nodes, settings.options(engine, storesOf(place), workers, seed))
    plan.run = handle.run
    const progress = follow(handle, plan.events)
    const ended = settle(handle.result()).finally(() => over.abort())
    const world: World = {
      next,
      store,
      workers: () => workersOf(process.pid),
      killClient: () => Promise.reject(new Error("the client is this process")),
      over: over.signal
    }
    let struckAt: number | undefined
    const strike = async () => {
      await Promise.race([progress.reaches(share), ended])
      if (over.signal.aborted) return
      struckAt = Date.now()
      await fault.strike!(world, repetition)
    }
    const struck = fault.strike === undefined ? Promise.resolve() : strike()
    const [{ error, value }] = await within(Promise.all([ended, struck]))
    return { run: handle.run, value, error, struckAt }
  } finally {
    over.abort()
    undo()
  }
}

/** With the client in a process that is killed. */
const elsewhere = async (place: Place, plan: Plan, client: Elsewhere): Promise<Ended> => {
  const { engine, fault, store } = place
  const { next, repetition, share } = plan
  const { run } = client
  const world: World = {
    next,
    store,
    workers: () => workersOf(client.pid),
    killClient: client.kill,
    over: new AbortController().signal
  }
  const over = client.ended.then(() => "over")
  if ((await within(Promise.race([client.progress.reaches(share), over]))) === "over") {
    return { run, value: undefined, error: undefined, struckAt: undefined }
  }
  const struckAt = Date.now()
  await fault.strike!(world, repetition)
  if (fault.client === "missed") {
    const status = await within(statusAtEnd(store, run))
    // The client was faster.
    if (status === "gone") return { run, value: undefined, error: undefined, struckAt: undefined }
    if (status !== "succeeded") throw new Error(`the run is ${status}`)
    const left = await gone(client.pid, GONE_MS)
    if (left.length > 0) throw new Error(`the processes ${left.join(", ")} do not end when the run is over`)
  }
  const { error, value } = await within(settle(resumed(place, engine, run)))
  const left = await gone(client.pid, GONE_MS)
  if (left.length > 0) throw new Error(`the processes ${left.join(", ")} do not end when the run is removed`)
  return { run, value, error, struckAt: error instanceof UnknownRun ? undefined : struckAt }
}

const resumed = async (place: Place, engine: Place["engine"], run: string) => {
  const store = storesOf(place)
  await using handle = await attach(run, { store, engine, pollMs: settings.POLL_MS, output: "ignore" })
  return await handle.result()
}

const statusAtEnd = async (store: Store, run: string) => {
  for (;;) {
    const { status } = await store.state(run)
    if (status !== "running") return status
    await sleep(50)
  }
}

const isRight = (value: unknown, expected: Workload.Value): boolean => {
  const { bytes, numbers } = value as Workload.Value
  return numbers.join() === expected.numbers.join() && Buffer.compare(bytes, expected.bytes) === 0
}

/** What is not right about how the run ended; `undefined` if nothing. */
const faultIn = async (
  place: Place,
  { error, run, value }: Ended,
  expected: Workload.Value
): Promise<string | undefined> => {
  const { engine, fault, store } = place
  if (error === undefined) return isRight(value, expected) ? undefined : "the result is wrong"
  if (fault.accepts?.(error) !== true) return `it ended with ${inspect(error)}`
  // What the client gave up others can go on with, when the cause is gone.
  if ((await store.state(run)).status === "gone") return undefined
  const later = await within(settle(resumed(place, engine, run)))
  if (later.error instanceof RunFailed && fault.accepts(later.error)) return undefined
  if (later.error !== undefined) return `going on with it later ended with ${inspect(later.error)}`
  return isRight(later.value, expected) ? undefined : "the result of going on with it later is wrong"
}

/** What there is to know about a run that hangs. */
const describe = async (place: Place, { events, run }: Plan, parent: number): Promise<string> => {
  const state = run === undefined ? "not begun" : inspect(await place.store.state(run).catch(String))
  const processes = `processes ${(await workersOf(parent)).join(", ")}`
  const written = [place.stderr(), "last events:", ...events]
  const dump = await place.store.dump().catch(String)
  return [`it hangs; run ${run}`, state, processes, dump, ...written].join("\n")
}

/** One repetition; `undefined` if the run was over before the fault came. */
export const repeat = async (
  place: Place,
  repetition: number,
  seed: number
): Promise<Outcome | undefined> => {
  const { fault, folder, store } = place
  const next = random(seed)
  const workers = workersIn(fault, repetition)
  const share = fault.strike === undefined ? 0 : next() * 0.85
  const plan: Plan = { repetition, seed, workers, share, next, events: [], run: undefined }
  const expected = Workload.evaluate(Workload.make(seed, fault.workload))
  const begunAt = Date.now()
  const outcome = (verdict: Verdict, detail?: string, recoveryMs?: number): Outcome => {
    return { verdict, seed, workers, share, detail, runMs: Date.now() - begunAt, recoveryMs }
  }
  let client: Elsewhere | undefined
  try {
    if (fault.client === "resumed" || fault.client === "missed") {
      const workload = fault.workload ?? {}
      client = await startClient({ url: store.url, seed, workers, workload, held: 0 })
      plan.run = client.run
    }
    const ended = await (client === undefined ? here(place, plan) : elsewhere(place, plan, client))
    if (fault.strike !== undefined && ended.struckAt === undefined) return undefined
    const problem = await faultIn(place, ended, expected)
    if (problem !== undefined) return outcome("wrong", `${problem}\n${client?.stderr() ?? place.stderr()}`)
    const left = await store.left(LEFT_MS)
    if (left !== "") return outcome("wrong", `what is left: ${left}`)
    const accepted = ended.error === undefined ? undefined : String(ended.error)
    return outcome("survived", accepted, recoveryOf(Journal.read(folder, ended.run), ended.struckAt))
  } catch (error) {
    const parent = client?.pid ?? process.pid
    const isHung = error instanceof Hung
    const detail = isHung ? await describe(place, plan, parent) : inspect(error)
    for (const pid of await workersOf(parent)) signal(pid, "SIGKILL")
    return outcome(isHung ? "hung" : "wrong", `${detail}\n${client?.stderr() ?? ""}`)
  } finally {
    await client?.kill()
  }
}

const recoveryOf = (entries: ReadonlyArray<Journal.Entry>, struckAt: number | undefined) => {
  if (struckAt === undefined) return undefined
  // On a busy machine workers are taken for lost without any fault, too.
  const again = entries.filter(({ at, type }) => type === "again" && at > struckAt)
  return again.length === 0 ? undefined : Math.max(...again.map(({ at }) => at)) - struckAt
}
