/** What an environment knows of runs: decoded once, and kept for those that it saw last. */
import { Coordination, type RunDocument, type StoreError } from "@weft/storage"
import { type Code, contextOf, type ModuleError, persistent, type RunContext, Sizes } from "@weft/worker"
import * as Effect from "effect/Effect"

/** A run, as workers of this environment see it. */
export interface Known {
  readonly context: RunContext
  readonly sizes: Sizes
}

/** How many runs are kept. One at a time is worked on; a deployment may serve several. */
const KEPT = 4

export class Contexts {
  private readonly code: Code
  /** The one that was used last is the last. */
  private readonly known = new Map<string, Known>()

  constructor(code: Code) {
    this.code = code
  }

  /**
   * A run; `undefined` if it is gone.
   *
   * @param document as the event brought it; if it did not, it is loaded
   */
  readonly of = Effect.fnUntraced(function* (
    this: Contexts,
    run: string,
    document: RunDocument | undefined
  ): Effect.fn.Return<Known | undefined, ModuleError | StoreError, Coordination> {
    const known = this.known.get(run)
    if (known !== undefined) {
      this.keep(run, known)
      return known
    }
    const found = document ?? (yield* persistent(yield* Coordination).load(run))
    if (found === undefined) return undefined
    const context = yield* contextOf(run, found, this.code)
    const made: Known = { context, sizes: new Sizes(context.graph, context.plan) }
    this.keep(run, made)
    return made
  })

  private keep(run: string, known: Known): void {
    this.known.delete(run)
    this.known.set(run, known)
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value!)
  }
}
