/**
 * Stores as a process of a virtual world reaches them: every operation goes through a call that takes time, and whatever
 * else a world does to it.
 */
import { Coordination, CoordinationMemory, ObjectStore, type StoreError } from "@weft/storage"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Process } from "./Process.ts"

/** Stores in memory, on a world's clock. Their operations take no time. */
export const memoryStores = ({ context }: Process) => {
  const layer = Layer.fresh(Layer.mergeAll(CoordinationMemory.layer, ObjectStore.layerMemory))
  return Effect.runSync(
    Effect.gen(function* () {
      const services = yield* Layer.buildWithScope(layer, Scope.makeUnsafe())
      return {
        coordination: Context.get(services, Coordination),
        objects: Context.get(services, ObjectStore)
      }
    }).pipe(Effect.provideService(Clock.Clock, Context.get(context, Clock.Clock)))
  )
}

/** Makes an operation one that is called from afar. */
export type Via = <Args extends ReadonlyArray<unknown>, A>(
  operation: string,
  act: (...args: Args) => Effect.Effect<A, StoreError>
) => (...args: Args) => Effect.Effect<A, StoreError>

/** All that is asked of coordination; messages are sent by other rules. */
export const coordinationVia = (
  coordination: Coordination["Service"],
  via: Via
): Omit<Coordination["Service"], "inlineBytes" | "publish" | "subscribe"> => ({
  begin: via("begin", coordination.begin),
  load: via("load", coordination.load),
  complete: via("complete", coordination.complete),
  keep: via("keep", coordination.keep),
  adopt: via("adopt", coordination.adopt),
  renew: via("renew", coordination.renew),
  attach: via("attach", coordination.attach),
  detach: via("detach", coordination.detach),
  abandon: via("abandon", coordination.abandon),
  fail: via("fail", coordination.fail),
  cancel: via("cancel", coordination.cancel),
  read: via("read", coordination.read),
  waits: via("waits", coordination.waits),
  state: via("state", coordination.state),
  runs: via("runs", () => coordination.runs)(),
  remove: via("remove", coordination.remove),
  usage: via("usage", () => coordination.usage)()
})

export const objectsVia = (objects: ObjectStore["Service"], via: Via): ObjectStore["Service"] => ({
  put: via("put", objects.put),
  get: via("get", objects.get),
  remove: via("remove objects", objects.remove),
  removeRun: via("removeRun", objects.removeRun),
  usage: via("usage of objects", () => objects.usage)()
})
