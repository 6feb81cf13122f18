/**
 * One vessel of a pool: which workers are in it, which tasks in it must end in time, and whether it hears.
 */
import type { Invocation } from "../../Invocation.ts"
import type { Leases } from "../Leases.ts"
import type { FromVessel, Guard, ToVessel } from "./Protocol.ts"
import type { Launch, Vessel } from "./Vessel.ts"

/** A worker that was sent to a vessel. */
export class Active {
  readonly run: string
  readonly worker: string
  /** What it is to invoke before anything else, as far as it has not. */
  unsent: ReadonlyArray<Invocation>
  idle = false
  private readonly leases: Leases
  private isHeld = true
  private isBack = false
  private back: Invocation | undefined

  /** @param back what to send elsewhere if the vessel does not take it on */
  constructor(
    run: string,
    worker: string,
    unsent: ReadonlyArray<Invocation>,
    leases: Leases,
    back: Invocation | undefined
  ) {
    this.run = run
    this.worker = worker
    this.unsent = unsent
    this.leases = leases
    this.back = back
  }

  /** The vessel has certainly taken it on, and renews the lease itself. What was to be sent elsewhere, if it was. */
  taken(): Invocation | undefined {
    const { back, isBack } = this
    if (back === undefined) return undefined
    this.back = undefined
    this.release()
    return isBack ? back : undefined
  }

  /** What to send elsewhere, unless it was taken on; once. */
  takeBack(): Invocation | undefined {
    if (this.isBack) return undefined
    this.isBack = true
    return this.back
  }

  /** Its lease is not renewed from here any more. */
  release(): void {
    if (this.isHeld) this.leases.release(this.worker)
    this.isHeld = false
  }
}

/** What a member tells its pool. */
export interface MemberListener<To, From> {
  readonly receive: (member: Member<To, From>, message: FromVessel | From) => void
  readonly overdue: (member: Member<To, From>, guard: Guard) => void
  readonly ended: (member: Member<To, From>, reason: string) => void
  /** It has taken on what was taken back from it. */
  readonly taken: (member: Member<To, From>, invocations: ReadonlyArray<Invocation>) => void
}

/** How long after a task's timeout its vessel is asked whether it is blocked, and how often from then on, in ms. */
const LATE_MS = 100
const AGAIN_MS = 1000
/** How long a vessel may take to answer that, in ms. */
const ANSWER_MS = 500

export class Member<To, From> {
  private readonly vessel: Vessel<To>
  private readonly listener: MemberListener<To, From>
  /** By place. */
  readonly active = new Map<number, Active>()
  /** Runs that it has had workers of. */
  readonly runs = new Set<string>()
  /** Runs that it has been told to close and that it has not closed yet. */
  readonly closing = new Map<string, () => void>()
  readonly ended: Promise<void>
  /** Why it is being ended. */
  reason: string | undefined
  /** It has started. */
  ready = false
  /** Since when it is being started, by `performance.now()`, and whether it has had nothing to do since then. */
  readonly startedAt = performance.now()
  fresh = true
  /** It has not answered for too long: it gets nothing to do until it does. */
  deaf = false
  private readonly guards = new Map<number, { readonly guard: Guard; timer: NodeJS.Timeout }>()
  private readonly pings = new Map<number, () => void>()
  private pinged = 0
  /** Since when it has been asked whether it hears, and has not answered, by `performance.now()`. */
  private askedAt: number | undefined

  constructor(launch: Launch<To, From>, listener: MemberListener<To, From>) {
    this.listener = listener
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    this.vessel = launch({
      receive: (message) => listener.receive(this, message),
      ended: (reason) => {
        for (const { timer } of this.guards.values()) clearTimeout(timer)
        for (const closed of this.closing.values()) closed()
        listener.ended(this, this.reason ?? reason)
        resolve()
      }
    })
  }

  send(message: ToVessel | To): void {
    this.vessel.send(message)
  }

  /** Ends it, and gives a reason if there is none yet. */
  end(reason: string): void {
    this.reason ??= reason
    this.vessel.end()
  }

  /** How many of its workers are not just waiting. */
  get load(): number {
    let load = 0
    for (const { idle } of this.active.values()) if (!idle) load++
    return load
  }

  /** A worker is not here any more. */
  remove(place: number): Active | undefined {
    const active = this.active.get(place)
    active?.release()
    this.active.delete(place)
    return active
  }

  /** A run is closed here. */
  closed(run: string): void {
    this.runs.delete(run)
    for (const [place, active] of this.active) if (active.run === run) this.remove(place)
    for (const { guard } of [...this.guards.values()]) if (guard.run === run) this.release(guard.guard)
    this.closing.get(run)?.()
    this.closing.delete(run)
  }

  /** A task must end in time. */
  guard(guard: Guard): void {
    const timer = setTimeout(() => this.ask(guard), guard.ms + LATE_MS)
    this.guards.set(guard.guard, { guard, timer })
  }

  release(guard: number): void {
    clearTimeout(this.guards.get(guard)?.timer)
    this.guards.delete(guard)
  }

  /** A task should have ended. If its vessel answers, its own timer has seen to that, or will. */
  private ask(guard: Guard): void {
    const asked = this.guards.get(guard.guard)
    if (asked === undefined) return
    asked.timer = setTimeout(() => this.listener.overdue(this, guard), ANSWER_MS)
    this.ping(() => {
      if (this.guards.get(guard.guard) !== asked) return
      clearTimeout(asked.timer)
      asked.timer = setTimeout(() => this.ask(guard), AGAIN_MS)
    })
  }

  private ping(answered: () => void): void {
    const ping = this.pinged++
    this.pings.set(ping, answered)
    this.send({ type: "ping", ping })
  }

  answered(ping: number): void {
    this.pings.get(ping)?.()
    this.pings.delete(ping)
  }

  /** Asks whether it hears; how long it has not, in ms. What it was sent before it answers it has taken on. */
  hears(): number {
    const now = performance.now()
    if (this.askedAt === undefined) {
      this.askedAt = now
      const sent = [...this.active.values()]
      this.ping(() => {
        this.askedAt = undefined
        const taken = sent.flatMap((active) => active.taken() ?? [])
        if (taken.length > 0) this.listener.taken(this, taken)
      })
    }
    return now - this.askedAt
  }

  /** Whoever asked could not hear, either. */
  forgive(): void {
    if (this.askedAt !== undefined) this.askedAt = performance.now()
  }

  /** Takes back the workers that it has perhaps not taken on. */
  takeBack(): ReadonlyArray<Invocation> {
    return [...this.active.values()].flatMap((active) => active.takeBack() ?? [])
  }
}
