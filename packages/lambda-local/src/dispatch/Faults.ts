/**
 * What goes wrong on purpose: decided by the seed, the function's name and how many requests for it there have been.
 */
import type { Delay, Settings } from "../Options.ts"
import { type Chance, make as makeChance } from "./Chance.ts"

/** What goes wrong with one event. */
export interface EventFaults {
  readonly isDropped: boolean
  /** How much later a second delivery comes, in ms; `undefined` if there is none. */
  readonly secondAfterMs: number | undefined
  /** How late the delivery is, in ms; `undefined` if it is not. */
  readonly lateMs: number | undefined
}

/** The decisions of one service. */
export class FaultPlan {
  private readonly chance: Chance
  private readonly settings: Settings

  constructor(settings: Settings) {
    this.settings = settings
    this.chance = makeChance(settings.seed)
  }

  /** What goes wrong with the delivery of a function's n-th request, an event. */
  ofEvent(fn: string, request: number): EventFaults {
    const { double, drop, late, lateMs } = this.settings.faults
    const happens = (what: string, probability: number) => this.chance.number(what, fn, request) < probability
    const delay = (what: string) => this.chance.number(what, fn, request) * lateMs
    return {
      isDropped: happens("drop", drop),
      secondAfterMs: happens("double", double) ? delay("doubleMs") : undefined,
      lateMs: happens("late", late) ? delay("lateMs") : undefined
    }
  }

  /** When the environment is killed, in ms after the attempt's begin; `undefined` if it is not. */
  killAfterMs(fn: string, request: number, delivery: string): number | undefined {
    const { kill, killWithinMs } = this.settings.faults
    if (this.chance.number("kill", fn, request, delivery) >= kill) return
    return this.chance.number("killMs", fn, request, delivery) * killWithinMs
  }

  /** Extra time of a function's n-th environment, in ms. */
  coldStartMs(fn: string, environment: number): number {
    return this.delay(this.settings.coldStart, "coldStart", fn, environment)
  }

  /** Extra time of a function's n-th request, in ms. */
  latencyMs(fn: string, request: number): number {
    return this.delay(this.settings.invokeLatency, "latency", fn, request)
  }

  /** A share from 0 to 1 for a choice, such as which of an alias's versions is meant. */
  share(what: string, fn: string, request: number): number {
    return this.chance.number(what, fn, request)
  }

  private delay({ ms, spreadMs }: Required<Delay>, what: string, fn: string, count: number) {
    return ms + (spreadMs === 0 ? 0 : spreadMs * this.chance.number(what, fn, count))
  }
}
