/**
 * A process of a virtual world: it can die between any two of its steps, stand still, or be cut off.
 *
 * All that a process hears (answers, messages, timers, ends of tasks) comes through `deliver`. One that is dead hears
 * nothing any more; so its fibers stay where they are for good, and no finalizer runs, as in a process that was killed.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import { Timing } from "../Timing.ts"
import type { World } from "./World.ts"

export type Fate = "running" | "ended" | "crashed"

export class Process {
  readonly name: string
  readonly world: World
  fate: Fate = "running"
  /** Until when it stands still, and until when nothing of it gets out or in; in ms. */
  stalledUntil = 0
  cutUntil = 0
  /** What it waits for, for people. */
  readonly waits = new Set<string>()
  /** The services that stand for a process's own time and chance. */
  readonly context: Context.Context<never>
  private held: Array<() => void> = []
  private readonly atEnd: Array<() => void> = []
  private readonly around: Process | undefined

  /** @param around of what it is a thread: it ends and is cut off with that, and does not stand still with it */
  constructor(world: World, name: string, around?: Process) {
    this.world = world
    this.name = name
    this.around = around
    around?.onEnd(() => this.finish(around.fate))
    const scheduler = new Scheduler.MixedScheduler("async", (act) => {
      let cancelled = false
      world.post(() => this.deliver(() => cancelled || act()))
      return () => {
        cancelled = true
      }
    })
    this.context = Context.empty().pipe(
      Context.add(Clock.Clock, this.clock()),
      Context.add(Random.Random, {
        nextDoubleUnsafe: () => world.random(),
        nextIntUnsafe: () => world.choose(2 ** 32) - 2 ** 31
      }),
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(References.MinimumLogLevel, "None"),
      Context.add(Timing, { now: () => world.now, turn: () => undefined })
    )
  }

  get isAlive(): boolean {
    return this.fate === "running"
  }

  get isCut(): boolean {
    return this.cutFor > 0
  }

  /** For how long it is still cut off, in ms. */
  get cutFor(): number {
    return Math.max(0, this.cutUntil - this.world.now, this.around?.cutFor ?? 0)
  }

  /** Lets the process hear something: later if it stands still, never if it is dead. */
  deliver(hear: () => void): void {
    if (!this.isAlive) return
    if (this.stalledUntil > this.world.now) this.held.push(hear)
    else hear()
  }

  /** Lets the process hear something after `ms`. */
  after(ms: number, hear: () => void): () => void {
    return this.world.after(ms, () => this.deliver(hear))
  }

  /** Runs an effect in this process. */
  fork<A, E, R>(effect: Effect.Effect<A, E, R>, services: Context.Context<R>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(Context.merge(this.context, services))(effect)
  }

  /** What is done when the process is no more, however it ended. */
  onEnd(act: () => void): void {
    this.atEnd.push(act)
  }

  crash(): void {
    this.finish("crashed")
  }

  end(): void {
    this.finish("ended")
  }

  private finish(fate: Fate) {
    if (!this.isAlive) return
    this.fate = fate
    this.held = []
    this.world.note(() => `${this.name} ${fate}`)
    for (const act of this.atEnd) act()
  }

  stall(ms: number): void {
    this.stalledUntil = Math.max(this.stalledUntil, this.world.now + ms)
    this.world.note(() => `${this.name} stands still for ${ms} ms`)
    this.world.after(ms, () => this.goOn())
  }

  private goOn() {
    while (this.held.length > 0 && this.isAlive && this.stalledUntil <= this.world.now) {
      const [first, ...rest] = this.held
      this.held = rest
      first!()
    }
  }

  cut(ms: number): void {
    this.cutUntil = Math.max(this.cutUntil, this.world.now + ms)
    this.world.note(() => `${this.name} is cut off for ${ms} ms`)
  }

  private clock(): Clock.Clock {
    const { world } = this
    const millis = () => world.now
    const nanos = () => BigInt(Math.round(world.now * 1e6))
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback<void>((resume) => {
          const cancel = this.after(Duration.toMillis(duration), () => resume(Effect.void))
          return Effect.sync(cancel)
        })
    }
  }
}
