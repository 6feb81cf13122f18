/**
 * What a worker could run next, and in which order.
 *
 * Usually what it has made ready itself goes first, the newest before the older, which keeps few values alive; then what it
 * was given, in that order. With priorities the lowest number goes first, and that decides among equal ones.
 */
import type { InstanceId } from "@weft/core"
import type { Work } from "./Invocation.ts"

export interface Ready {
  /** Adds a claimed instance whose parents are all complete. */
  readonly push: (work: Work) => void
  /** Adds what others handed over. */
  readonly add: (work: ReadonlyArray<Work>) => void
  /** Takes what to run next. */
  readonly next: () => Work | undefined
  /** What would be taken. */
  readonly peek: () => Work | undefined
  /** What would be taken, if it was pushed. */
  readonly claimed: () => Work | undefined
}

export const inTurn = (): Ready => {
  const stack: Array<Work> = []
  let list: ReadonlyArray<Work> = []
  let at = 0
  return {
    push: (work) => stack.push(work),
    add: (work) => {
      list = at === list.length ? work : [...list.slice(at), ...work]
      at = 0
    },
    next: () => stack.pop() ?? list[at === list.length ? at : at++],
    peek: () => stack.at(-1) ?? list[at],
    claimed: () => stack.at(-1)
  }
}

interface Ranked {
  readonly work: Work
  readonly priority: number
  /** Among equal ones: below zero for what was pushed, the newest lowest; above for what was added. */
  readonly turn: number
}

/** @param priorityOf the lowest goes first */
export const byPriority = (priorityOf: (instance: InstanceId) => number): Ready => {
  /** The next one last. */
  let ranked: Array<Ranked> = []
  let count = 0
  const rank = (work: Work, turn: number) => ({ work, priority: priorityOf(work.instance), turn })
  const isAfter = (a: Ranked, b: Ranked) =>
    a.priority === b.priority ? a.turn > b.turn : a.priority > b.priority
  return {
    push: (work) => {
      const one = rank(work, -++count)
      let low = 0
      let high = ranked.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (isAfter(ranked[middle]!, one)) low = middle + 1
        else high = middle
      }
      ranked.splice(low, 0, one)
    },
    add: (work) => {
      const added = work.map((one) => rank(one, ++count))
      ranked = [...ranked, ...added].sort((a, b) => (isAfter(a, b) ? -1 : 1))
    },
    next: () => ranked.pop()?.work,
    peek: () => ranked.at(-1)?.work,
    claimed: () => {
      const next = ranked.at(-1)
      return next !== undefined && next.turn < 0 ? next.work : undefined
    }
  }
}
