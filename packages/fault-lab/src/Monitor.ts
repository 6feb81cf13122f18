/**
 * Watches a store from outside: which completions it accepted, and whether that adds up.
 */
import { Flow, Instance, type InstanceId } from "@weft/core"
import { CLIENT, type Completion, type Coordination, type Reply } from "@weft/storage"
import type { RunContext } from "@weft/worker"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"

export class Monitor {
  /** The store, watched. */
  readonly coordination: Coordination["Service"]
  /** What did not add up first. */
  violation: string | undefined
  /** How many workers were taken for lost. */
  losses = 0
  /** How often each instance's completion was accepted. */
  readonly commits = new Map<InstanceId, number>()
  private readonly context: RunContext
  private readonly widths = new Map<InstanceId, number>()

  constructor(real: Coordination["Service"], context: RunContext) {
    this.context = context
    const listening = real.subscribe(context.run, CLIENT, ({ type }) => {
      if (type === "lost") this.losses++
    })
    Effect.runSync(Scope.provide(listening, Scope.makeUnsafe()))
    this.coordination = {
      ...real,
      complete: (run, worker, completions) =>
        Effect.map(real.complete(run, worker, completions), (reply) => {
          this.completed(completions, reply)
          return reply
        })
    }
  }

  private completed(completions: ReadonlyArray<Completion>, { refused }: Reply) {
    const before = new Set(refused)
    for (const { added, instance } of completions) {
      if (before.has(instance)) continue
      const count = (this.commits.get(instance) ?? 0) + 1
      this.commits.set(instance, count)
      if (count > 1) this.violate(`${this.context.label(instance)} was committed twice`)
      const each = this.context.addedBy(Instance.nodeOf(instance), 1)
      if (each > 0) this.widths.set(instance, added / each)
      for (const parent of this.parents(instance)) {
        if (this.commits.has(parent)) continue
        this.violate(`${this.context.label(instance)} was committed before ${this.context.label(parent)}`)
      }
    }
  }

  private violate(what: string) {
    this.violation ??= what
  }

  /** What must be complete before an instance is. */
  private *parents(instance: InstanceId): Iterable<InstanceId> {
    const { graph } = this.context
    const { scopeOf, scopes } = graph.columns
    const id = Instance.nodeOf(instance)
    const indices = Instance.indicesOf(instance)
    const over = graph.kind(id) === "collect" ? graph.over(id) : undefined
    for (let i = graph.parents.start[id]!; i < graph.parents.start[id + 1]!; i++) {
      const parent = graph.parents.list[i]!
      if (scopeOf[parent] !== over) {
        yield Instance.make(parent, indices.slice(0, Flow.depth(graph, parent)))
        continue
      }
      const width = this.widths.get(Instance.make(scopes[over!]!.expand!, indices)) ?? 0
      for (let k = 0; k < width; k++) yield Instance.make(parent, [...indices, k])
    }
  }
}
