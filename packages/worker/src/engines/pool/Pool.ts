/**
 * A pool of vessels (threads, processes), and who runs where: which workers are active in which vessel, which wait for
 * a place, and what becomes of them when a vessel ends.
 *
 * A worker that waits for work of its own keeps its vessel but not its place there, so that however many named workers
 * there are, somebody can go on.
 */
import { type Invocation, sentLater } from "../../Invocation.ts"
import type { Leases } from "../Leases.ts"
import { Active, Member } from "./Member.ts"
import type { FromVessel, Guard } from "./Protocol.ts"
import type { Launch } from "./Vessel.ts"

export interface PoolOptions<To, From> {
  /** How a vessel is called: `thread`. */
  readonly what: string
  /** How many vessels. They start when there is something to do. */
  readonly limit: number
  /** How many workers may be active at once in all vessels. */
  readonly concurrency: number
  readonly launch: Launch<To, From>
  /** What of a worker's beginning is sent: prepared for the way. */
  readonly portable?: (invocation: Invocation) => Invocation
}

/** What the pool tells the engine about one run, and what the engine tells the pool. */
export interface RunListener<To, From> {
  /** What a vessel is told before its first worker of the run. */
  readonly opening?: To
  /** For how long a vessel may not hear before its work goes elsewhere, in ms. Infinite if it is always waited for. */
  readonly patienceMs: number
  /** Renews the leases of workers that wait, or that no vessel has certainly taken on to do so itself. */
  readonly leases: Leases
  readonly invoke: (invocations: ReadonlyArray<Invocation>) => void
  /** What only vessels of this engine say. */
  readonly receive: (message: From, answer: (message: To) => void) => void
  /** Workers were lost with their vessel, or ended by a fault. `unsent` is what they have not had time to invoke. */
  readonly lost: (workers: ReadonlyArray<string>, unsent: ReadonlyArray<Invocation>, reason: string) => void
  /** A task has blocked its vessel for longer than its timeout; the vessel will be ended when this returns. */
  readonly overdue: (guard: Guard) => void
}

/** A worker that is lost. */
type Lost = Pick<Active, "run" | "worker" | "unsent">

/** How long a vessel may take to end a run's workers before it is ended itself, in ms. */
const CLOSE_MS = 1000
/** How often vessels are asked whether they hear while one may not, in times that it may not. */
const WATCHES = 3

export class Pool<To, From extends { readonly type: string; readonly run: string } = never> {
  private readonly options: PoolOptions<To, From>
  private readonly members = new Set<Member<To, From>>()
  private readonly runs = new Map<string, RunListener<To, From>>()
  /** Runs whose workers are being ended. */
  private readonly closing = new Set<string>()
  private queue: Array<Invocation> = []
  private readonly queuedAt = new WeakMap<Invocation, number>()
  private places = 0
  private watching: NodeJS.Timeout | undefined

  constructor(options: PoolOptions<To, From>) {
    this.options = options
  }

  open(run: string, listener: RunListener<To, From>): void {
    this.runs.set(run, listener)
    if (this.members.size === 0) this.start()
    this.watch()
  }

  /** Ends the workers of a run. Resolves when none is left; a vessel that does not listen is ended. */
  async close(run: string): Promise<void> {
    this.closing.add(run)
    this.queue = this.queue.filter((invocation) => invocation.run !== run)
    const members = [...this.members].filter(({ runs }) => runs.has(run))
    await Promise.all(members.map((member) => this.closeIn(member, run)))
    this.runs.delete(run)
    this.closing.delete(run)
  }

  private async closeIn(member: Member<To, From>, run: string): Promise<void> {
    const closed = new Promise<void>((resolve) => member.closing.set(run, resolve))
    member.send({ type: "close", run })
    const overdue = setTimeout(() => member.end("the run has ended"), CLOSE_MS)
    await closed
    clearTimeout(overdue)
  }

  /** Starts workers, or has them wait for a place. */
  invoke(invocations: ReadonlyArray<Invocation>): void {
    const open = invocations.filter((invocation) => this.isOpen(invocation))
    for (const invocation of open) {
      this.runs.get(invocation.run)?.leases.hold(invocation.worker)
      this.queuedAt.set(invocation, performance.now())
    }
    this.queue.push(...open)
    this.dispatch()
  }

  /** Has vessels for so many workers of a run: started, and knowing the run. */
  prewarm(run: string, workers: number): void {
    if (!this.isOpen({ run })) return
    const usable = [...this.members].filter(({ deaf, reason }) => !deaf && reason === undefined)
    const free = usable.filter(({ load }) => load === 0)
    while (free.length < workers && this.members.size < this.options.limit) free.push(this.start())
    for (const member of free.slice(0, workers)) {
      member.fresh = false
      if (member.runs.has(run)) continue
      this.introduce(member, run)
      member.send({ type: "prewarm", run })
    }
  }

  private isOpen({ run }: Pick<Invocation, "run">): boolean {
    return this.runs.has(run) && !this.closing.has(run)
  }

  /** Ends all vessels. */
  async shutdown(): Promise<void> {
    const members = [...this.members]
    for (const member of members) member.end("its engine was closed")
    await Promise.all(members.map(({ ended }) => ended))
  }

  private start(): Member<To, From> {
    const member = new Member<To, From>(this.options.launch, {
      receive: (from, message) => this.receive(from, message),
      overdue: (of, guard) => {
        this.runs.get(guard.run)?.overdue(guard)
        of.end(`${guard.task} blocked its ${this.options.what} for longer than its timeout`)
      },
      ended: (gone, reason) => {
        this.members.delete(gone)
        if (!gone.ready) this.startedInVain(reason)
        this.lost(
          [...gone.active.keys()].map((place) => gone.remove(place)!),
          reason
        )
        this.dispatch()
      },
      taken: (_, invocations) => this.withdraw(invocations)
    })
    this.members.add(member)
    return member
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const member = this.place()
      if (member === undefined) return
      const invocation = this.queue.shift()!
      this.send(member, invocation)
    }
  }

  /**
   * A vessel ended before it had started. Somebody who would have been sent there is lost with it: so a run whose vessels
   * cannot start fails, with the reason.
   */
  private startedInVain(reason: string): void {
    const invocation = this.queue.shift()
    const leases = invocation && this.runs.get(invocation.run)?.leases
    if (invocation === undefined || leases === undefined) return
    const { run, spawn, worker } = invocation
    leases.release(worker)
    this.lost([{ run, worker, unsent: spawn }], reason)
  }

  /**
   * Where there is a place now: in the vessel that has the least to do. If there is none that has nothing to do, more
   * are started, for who still waits when they have.
   */
  private place(): Member<To, From> | undefined {
    const { concurrency, limit } = this.options
    let best: { readonly member: Member<To, From>; readonly load: number } | undefined
    let starting = 0
    for (const member of this.members) {
      if (!member.ready) starting++
      if (!member.ready || member.deaf || member.reason !== undefined) continue
      const { load } = member
      if (best === undefined || load < best.load) best = { member, load }
    }
    if (best?.load === 0) return best.member
    for (; this.members.size < limit && starting < this.queue.length; starting++) this.start()
    return best !== undefined && best.load < Math.ceil(concurrency / limit) ? best.member : undefined
  }

  private send(member: Member<To, From>, invocation: Invocation): void {
    const { run, spawn, worker } = invocation
    const { leases, patienceMs } = this.runs.get(run)!
    this.introduce(member, run)
    const place = this.places++
    const back = Number.isFinite(patienceMs) ? invocation : undefined
    member.active.set(place, new Active(run, worker, spawn, leases, back))
    const sent = sentLater(invocation, this.waitedMs(member, invocation))
    member.fresh = false
    member.send({ type: "invoke", place, invocation: this.options.portable?.(sent) ?? sent })
  }

  /** For how long an invocation has waited for a place, the time that starting one took apart. */
  private waitedMs({ fresh, startedAt }: Member<To, From>, invocation: Invocation): number {
    const until = fresh ? startedAt : performance.now()
    return Math.max(0, until - (this.queuedAt.get(invocation) ?? until))
  }

  /** Tells a vessel of a run before anything else of it. */
  private introduce(member: Member<To, From>, run: string): void {
    const opening = this.runs.get(run)?.opening
    if (opening !== undefined && !member.runs.has(run)) member.send(opening)
    member.runs.add(run)
  }

  private receive(member: Member<To, From>, message: FromVessel | From): void {
    const known = message as FromVessel
    switch (known.type) {
      case "ready":
        member.ready = true
        this.dispatch()
        break
      case "left": {
        const active = member.remove(known.place)
        if (active !== undefined && known.fault !== undefined) this.lost([active], known.fault)
        this.dispatch()
        break
      }
      case "idle":
      case "busy": {
        const active = member.active.get(known.place)
        if (active !== undefined) active.idle = known.type === "idle"
        this.dispatch()
        break
      }
      case "guard":
        member.guard(known)
        break
      case "prewarm":
        this.prewarm(known.run, known.workers)
        break
      case "pong":
        member.answered(known.ping)
        member.deaf = false
        this.dispatch()
        break
      case "release":
        member.release(known.guard)
        break
      case "closed":
        member.closed(known.run)
        this.dispatch()
        break
      case "invoke":
        for (const active of member.active.values()) {
          if (active.unsent.length > 0) active.unsent = without(active.unsent, known.invocations)
        }
        this.runs.get(known.run)?.invoke(known.invocations)
        break
      default: {
        const other = message as From
        this.runs.get(other.run)?.receive(other, (answer) => member.send(answer))
      }
    }
  }

  /** Asks the vessels now and then whether they hear, as long as there are runs for which that matters. */
  private watch(): void {
    const patience = Math.min(...[...this.runs.values()].map(({ patienceMs }) => patienceMs))
    if (!Number.isFinite(patience) || this.watching !== undefined) return
    const dueAt = performance.now() + patience / WATCHES
    this.watching = setTimeout(() => {
      this.watching = undefined
      // Who was not running itself has not seen who is not.
      const isLate = performance.now() > dueAt + patience / WATCHES
      for (const member of this.members) {
        if (isLate) member.forgive()
        else if (member.active.size > 0 && member.hears() > patience && !member.deaf) this.leave(member)
      }
      this.watch()
    }, patience / WATCHES)
    this.watching.unref()
  }

  /** What a vessel that does not hear has not taken on goes elsewhere; for the rest there are leases. */
  private leave(member: Member<To, From>): void {
    member.deaf = true
    this.invoke(member.takeBack())
  }

  /** It hears again, and has taken on what was to go elsewhere: as far as it waits for a place, it need not. */
  private withdraw(invocations: ReadonlyArray<Invocation>): void {
    const waiting = this.queue.filter((invocation) => invocations.includes(invocation))
    this.queue = this.queue.filter((invocation) => !waiting.includes(invocation))
    for (const { run, worker } of waiting) this.runs.get(run)?.leases.release(worker)
  }

  private lost(active: ReadonlyArray<Lost>, reason: string): void {
    for (const [run, ofRun] of Map.groupBy(active, ({ run }) => run)) {
      this.runs.get(run)?.lost(
        ofRun.map(({ worker }) => worker),
        ofRun.flatMap(({ unsent }) => unsent),
        reason
      )
    }
  }
}

/** `unsent` but for what has been sent now, whether by itself or for others to invoke. */
const without = (unsent: ReadonlyArray<Invocation>, sent: ReadonlyArray<Invocation>) => {
  const workers = new Set<string>()
  const add = ({ spawn, worker }: Invocation) => {
    workers.add(worker)
    spawn.forEach(add)
  }
  sent.forEach(add)
  return unsent.filter(({ worker }) => !workers.has(worker))
}
