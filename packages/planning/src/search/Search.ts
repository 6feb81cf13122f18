/**
 * The search for a better assignment: the best so far with its timeline, and how many evaluations are left. A change is kept
 * only if its evaluation is better.
 */
import type { Assignment } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import * as Timeline from "../Timeline.ts"

/** An assignment with what it is predicted to lead to. */
export interface Evaluated {
  readonly assignment: Assignment
  readonly timeline: Timeline.Timeline
}

/** Whether `a` is better than `b`. */
export type Better = (a: Timeline.Timeline, b: Timeline.Timeline) => boolean

/** Makespans and costs that differ by less than this share are equal: sums of floating point numbers. */
const EQUAL = 1e-9

/** The run ends earlier. */
export const isShorter: Better = (a, b) => a.makespanMs < b.makespanMs * (1 - EQUAL)

/** The run costs less, and does not end later. */
export const isCheaper: Better = (a, b) =>
  a.makespanMs <= b.makespanMs * (1 + EQUAL) && a.gbSeconds < b.gbSeconds * (1 - EQUAL)

/** The run ends earlier, or costs less and ends at the same time. */
export const isBetter: Better = (a, b) => isShorter(a, b) || isCheaper(a, b)

/**
 * How many evaluations a planner spends on a graph of so many instances, in all. Beyond 800 a constant, so that planning
 * grows like one evaluation, n log n; small graphs are searched more thoroughly, which takes no time that people notice.
 */
export const budget = (size: number): number => Math.round(Math.min(400, Math.max(48, 40_000 / (size + 1))))

export const evaluate = (model: Model, assignment: Assignment): Evaluated => ({
  assignment,
  timeline: Timeline.evaluate(model, assignment)
})

export class Search {
  readonly model: Model
  best: Evaluated
  /** Evaluations that may still be made. */
  left: number

  /** @param best what the search begins with */
  constructor(model: Model, best: Evaluated, evaluations: number) {
    this.model = model
    this.best = best
    this.left = evaluations
  }

  /** Evaluates an assignment if there are evaluations left, and keeps it if it is better. Returns whether it was kept. */
  attempt(assignment: Assignment, better: Better): boolean {
    if (this.left <= 0) return false
    this.left--
    const evaluated = evaluate(this.model, assignment)
    const isKept = better(evaluated.timeline, this.best.timeline)
    if (isKept) this.best = evaluated
    return isKept
  }

  /** Lets a part of the search have so many of the evaluations that are left, at most. */
  within(evaluations: number, part: () => void): void {
    const all = this.left
    this.left = Math.min(all, Math.max(0, Math.round(evaluations)))
    const given = this.left
    part()
    this.left = all - (given - this.left)
  }
}
