/**
 * One evaluation of the fast model: workers as little machines that are woken by a queue of events.
 *
 * A worker either runs an instance, waits until coordination knows everything (`drains`), asks for work or idles; beside
 * that it may be telling coordination what is complete. That is the worker of `@weft/worker` with its stages, without the
 * values: see `Complete.ts` for who is told when, `HandOff.ts` for who runs what becomes ready.
 */
import { clientFanOut } from "@weft/worker"
import { type Assignment, FLEXIBLE } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import { Claims } from "./Claims.ts"
import { Cores } from "./Cores.ts"
import { Data } from "./Data.ts"
import { Durations } from "./Durations.ts"
import { Pieces } from "./Pieces.ts"
import { gbSeconds, NOBODY, oldestFirst, type Place } from "./Places.ts"
import { ASKED, BEGIN, COMPUTE, ENDED, IDLE, KINDS, KNOWN, PREWARM, SENT, Sending } from "./Sending.ts"
import type { Timeline } from "./Times.ts"

/** After so much untold execution, in ms, a worker tells. */
const CHECKPOINT_MS = 1000
/** Subscribing and attaching. */
const ATTACH_CALLS = 2

export class Evaluation extends Sending {
  private readonly startMs: Float64Array
  private readonly executeMs: Float64Array
  private readonly endMs: Float64Array
  private readonly after: Int32Array
  /** Linked lists of instances: what a worker will run, or has to tell. */
  private readonly next: Int32Array
  private readonly readyMs: Float64Array
  /** The instance whose completion made it ready. */
  private readonly opener: Int32Array
  private readonly cores: Cores | undefined
  private readonly claims: Claims
  private readonly data: Data
  private readonly pieces: Pieces
  private readonly prewarmed: Array<{ readonly memory: number; readonly count: number }> = []
  private targetsLeft: number
  private makespanMs = 0
  private calls = 1
  private readonly prewarms: boolean
  private readonly durations: Durations

  constructor(model: Model, assignment: Assignment) {
    super(model, assignment)
    const { size } = model.unrolled
    this.startMs = new Float64Array(size)
    this.executeMs = new Float64Array(size)
    this.endMs = new Float64Array(size)
    this.after = new Int32Array(size).fill(NOBODY)
    this.next = new Int32Array(size)
    this.readyMs = new Float64Array(size)
    this.opener = new Int32Array(size).fill(NOBODY)
    this.cores = Number.isFinite(model.environment.cores) ? new Cores(model.environment.cores) : undefined
    this.claims = new Claims(model, assignment)
    this.data = new Data(model, assignment, this.claims)
    this.pieces = new Pieces(model, assignment.memory)
    this.targetsLeft = model.graph.targets.size
    this.durations = new Durations(model)
    this.prewarms = assignment.prewarm.size > 0
  }

  run(): Timeline {
    this.begin()
    const { cores, events } = this
    while (this.targetsLeft > 0) {
      const at = events.peekValue() ?? Number.POSITIVE_INFINITY
      if (cores !== undefined && cores.nextMs < at) {
        const now = cores.nextMs
        this.publish(
          this.places[cores.end(now, (index) => this.durations.share(this.places[index]!.memory))]!,
          now
        )
        continue
      }
      const event = events.pop()
      if (event === undefined) break
      this.happens(event % KINDS, Math.floor(event / KINDS), at)
    }
    return this.result()
  }

  private result(): Timeline {
    const { after, data, endMs, executeMs, makespanMs, model, startMs } = this
    return {
      startMs,
      executeMs,
      endMs,
      place: data.place,
      after,
      makespanMs,
      workers: this.places,
      coldStarts: this.environments.coldStarts,
      gbSeconds: gbSeconds(model, this.places, makespanMs),
      bytesRead: data.bytesRead,
      bytesWritten: data.bytesWritten,
      calls: this.calls
    }
  }

  /** The client hands off all that is ready. */
  private begin() {
    const { parents, size } = this.model.unrolled
    const ready: Array<number> = []
    const invoked: Array<Place> = []
    for (let at = 0; at < size; at++) {
      if (parents.start[at + 1] !== parents.start[at]) continue
      const worker = this.workerOf(at)
      if (worker === FLEXIBLE) ready.push(at)
      else this.deliver(worker, at, invoked)
    }
    for (const piece of this.pieces.of(ready, false)) invoked.push(this.invoked(piece, NOBODY))
    this.send(invoked, 0, clientFanOut(this.model.environment.fanOut))
  }

  private happens(kind: number, index: number, now: number) {
    if (kind === PREWARM) {
      const { count, memory } = this.prewarmed[index]!
      this.environments.free(memory, count)
      return
    }
    const place = this.places[index]!
    switch (kind) {
      case BEGIN:
        this.begun(place, now)
        break
      case COMPUTE:
        this.compute(place, now)
        break
      case ENDED:
        this.ended(place, now)
        break
      case KNOWN:
        this.known(place, now)
        break
      case SENT:
        this.sent(place, now)
        break
      case ASKED:
        this.asked(place, now)
        break
      default:
        // An event of a wait that is over says nothing.
        if (place.isIdle && place.idleMs + this.model.environment.idleMs <= now) this.close(place, now)
    }
  }

  // A worker begins, runs what it has, and leaves.

  private begun(place: Place, now: number) {
    if (place.isIdle) {
      // It had left its place to others, and has one again.
      place.idleMs = Number.NaN
      this.ask(place, now)
      return
    }
    place.beganMs = now
    place.busyMs = now
    const sentMs = this.send(place.spawn, now)
    if (place.worker === FLEXIBLE) {
      this.adopt(place, place.work)
      place.work = []
      place.isTelling = true
      place.drains = true
      this.push(place, SENT, sentMs)
    } else {
      this.calls += ATTACH_CALLS
      this.push(place, ASKED, sentMs + ATTACH_CALLS * this.model.callMs)
    }
  }

  /** Takes on work and what follows from it. */
  private adopt(place: Place, work: ReadonlyArray<number>) {
    if (work.length === 0) return
    for (const at of work) {
      if (this.rank(place, at)) continue
      this.next[at] = NOBODY
      if (place.oldest === NOBODY) place.oldest = at
      else this.next[place.last] = at
      place.last = at
    }
    this.claims.adopt(place, work)
  }

  /** Puts an instance among what its worker could run by priority, where the plan has priorities. */
  private rank(place: Place, at: number): boolean {
    if (place.ranked === undefined) return false
    place.ranked.push(at, this.assignment.priority![this.model.unrolled.node[at]!]!)
    return true
  }

  /** Takes what a worker runs next. */
  private take(place: Place): number {
    if (place.ranked !== undefined) return place.ranked.pop() ?? NOBODY
    let at = place.newest
    if (at !== NOBODY) place.newest = this.next[at]!
    else {
      at = place.oldest
      if (at !== NOBODY) place.oldest = this.next[at]!
    }
    return at
  }

  private goOn(place: Place, now: number) {
    const at = this.take(place)
    if (at !== NOBODY) this.start(place, at, now)
    else if (place.isTelling || place.untold !== NOBODY) this.drain(place, now)
    else if (place.worker === FLEXIBLE) this.close(place, now)
    else this.ask(place, now)
  }

  private start(place: Place, at: number, now: number) {
    const { model } = this
    const node = model.unrolled.node[at]!
    const startMs = Math.max(now, place.busyMs)
    this.after[at] =
      place.ran !== NOBODY && this.endMs[place.ran]! >= this.readyMs[at]! ? place.ran : this.opener[at]!
    const executeMs = this.data.inputs(place, at, startMs, this.opener[at]!)
    this.startMs[at] = startMs
    this.executeMs[at] = executeMs
    place.ran = at
    const prewarm = this.prewarms ? this.assignment.prewarm.get(node) : undefined
    if (prewarm !== undefined)
      for (const one of prewarm) this.prewarm(one.memory, one.workers, executeMs + one.afterMs)
    const whole = this.durations.wholeMs(place, node)
    if (this.cores === undefined || whole === 0) this.publish(place, executeMs + whole)
    else {
      const computing = this.durations.computingMs(place, node)
      if (computing === 0) this.publish(place, executeMs + whole)
      else this.push(place, COMPUTE, executeMs + whole - computing)
    }
  }

  private compute(place: Place, now: number) {
    const ms = this.durations.computingMs(place, this.model.unrolled.node[place.ran]!)
    this.cores!.begin(place.index, this.durations.share(place.memory), ms, now)
  }

  private publish(place: Place, now: number) {
    this.push(place, ENDED, now + this.data.publish(place, place.ran))
  }

  private prewarm(memory: number, workers: number, at: number) {
    const count = this.environments.missing(memory, workers)
    if (count === 0) return
    this.events.push(this.prewarmed.length * KINDS + PREWARM, at + this.model.startMs("cold", memory))
    this.prewarmed.push({ memory, count })
  }

  private close(place: Place, now: number) {
    const hasLeft = place.isIdle && this.model.environment.leavesPlace
    place.toMs = now
    place.idleMs = Number.NaN
    this.environments.free(place.memory, 1)
    if (!hasLeft) this.vacate(now)
  }

  private vacate(now: number) {
    const entered = this.environments.leave(now)
    if (entered !== undefined) this.push(entered.place, BEGIN, entered.atMs)
  }

  // What is complete, and who is told.

  private ended(place: Place, now: number) {
    const at = place.ran
    const { graph, unrolled } = this.model
    const { children } = unrolled
    const node = unrolled.node[at]!
    this.endMs[at] = now
    place.busyMs = now
    this.pieces.ran(node)
    place.untoldMs += now - this.executeMs[at]!
    this.next[at] = place.untold
    place.untold = at
    let isAwaited = graph.targets.has(node)
    let opens = false
    for (let e = children.start[at]!; e < children.start[at + 1]!; e++) {
      const child = children.list[e]!
      if (this.claims.isBy(place, child)) {
        if (!this.claims.advance(child)) continue
        this.readyMs[child] = now
        this.opener[child] = at
        if (this.rank(place, child)) continue
        this.next[child] = place.newest
        place.newest = child
      } else {
        isAwaited = true
        opens ||= graph.need[unrolled.node[child]!] === 1
      }
    }
    if (opens) {
      this.drain(place, now)
      return
    }
    if (!isAwaited && place.untoldMs > CHECKPOINT_MS) {
      place.busyMs += this.data.checkpoint(place, at)
      isAwaited = true
    }
    if (isAwaited) this.tell(place, now)
    this.goOn(place, now)
  }

  private drain(place: Place, now: number) {
    place.drains = true
    this.tell(place, now)
  }

  private tell(place: Place, now: number) {
    if (place.isTelling) return
    place.isTelling = true
    place.told = place.untold
    place.untold = NOBODY
    place.untoldMs = 0
    this.calls++
    this.push(place, KNOWN, now + this.model.callMs)
  }

  /** What was told is known: what became ready by it is kept, or given to others. */
  private known(place: Place, now: number) {
    const { graph, unrolled } = this.model
    const { children } = unrolled
    const own = place.inbox.splice(0)
    const flexible: Array<number> = []
    const invoked: Array<Place> = []
    for (let at = oldestFirst(place.told, this.next); at !== NOBODY; at = this.next[at]!) {
      this.data.known(at, now)
      if (graph.targets.has(unrolled.node[at]!) && --this.targetsLeft === 0) {
        this.makespanMs = now
        return
      }
      for (let e = children.start[at]!; e < children.start[at + 1]!; e++) {
        const child = children.list[e]!
        if (this.claims.isBy(place, child) || !this.claims.advance(child)) continue
        this.readyMs[child] = now
        this.opener[child] = at
        const worker = this.workerOf(child)
        if (worker === FLEXIBLE) flexible.push(child)
        else if (worker === place.worker) own.push(child)
        else this.deliver(worker, child, invoked, now)
      }
    }
    place.told = NOBODY
    this.adopt(place, own)
    let atMs = now
    if (flexible.length > 0) atMs = this.share(place, flexible, invoked, now)
    if (invoked.length === 0) this.sent(place, atMs)
    else this.push(place, SENT, this.send(invoked, atMs))
  }

  /** Keeps a piece of the work if there is nothing else to do, or it is not worth invoking; when others can be invoked. */
  private share(place: Place, work: ReadonlyArray<number>, invoked: Array<Place>, now: number): number {
    const { memory } = this.assignment
    const { node } = this.model.unrolled
    const pieces = this.pieces.of(work, true)
    if (!place.hasWork || (pieces.length === 1 && !this.pieces.isWorthInvoking(pieces[0]!))) {
      const kept = pieces.findIndex((piece) => memory[node[piece[0]!]!]! <= place.memory)
      if (kept >= 0) this.adopt(place, pieces.splice(kept, 1)[0]!)
    }
    if (pieces.length === 0) return now
    let atMs = now
    for (const piece of pieces) {
      const one = this.invoked(piece, place.index)
      const storing = this.data.carry(place, one)
      if (storing > 0) atMs += storing + this.model.callMs
      invoked.push(one)
    }
    // They are made the holders of their work, all at the same time.
    this.calls += pieces.length
    return atMs + this.model.callMs
  }

  protected override wake(place: Place, now: number) {
    if (this.model.environment.leavesPlace) {
      const atMs = this.environments.enter(place, now)
      if (atMs !== undefined) this.push(place, BEGIN, atMs)
      // It waits for a place, and does not leave.
      place.idleMs = Number.POSITIVE_INFINITY
    } else {
      place.idleMs = Number.NaN
      this.ask(place, now)
    }
  }

  private ask(place: Place, now: number) {
    this.calls++
    this.push(place, ASKED, now + this.model.callMs)
  }

  private asked(place: Place, now: number) {
    const own = place.inbox
    if (own.length > 0) {
      place.inbox = []
      this.adopt(place, own)
      this.goOn(place, now)
      return
    }
    place.idleMs = now
    this.push(place, IDLE, now + this.model.environment.idleMs)
    if (this.model.environment.leavesPlace) this.vacate(now)
  }

  /** Coordination has been told, and others are invoked. */
  private sent(place: Place, now: number) {
    place.isTelling = false
    if (place.untold !== NOBODY) this.tell(place, now)
    else if (place.drains) {
      place.drains = false
      this.goOn(place, now)
    }
  }
}
