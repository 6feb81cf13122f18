/** Whether the function can do its work: asked after a deployment, from outside, answered from inside. */
import { Coordination, ObjectStore } from "@weft/storage"
import * as Effect from "effect/Effect"
import type { Checked } from "../Events.ts"
import type { Environment } from "./Environment.ts"

/** A run that is not there. */
const NO_RUN = "weft-check"

/** Imports all, connects, and asks each store once. */
export const check = Effect.fnUntraced(function* ({
  bundle,
  connection,
  functionVersion,
  memoryMiB,
  modules
}: Environment) {
  const problems = new Set<string>()
  const tried = <A>(effect: Effect.Effect<A, { readonly message: string }>): Effect.Effect<A | undefined> =>
    Effect.catch(effect, ({ message }) => Effect.sync(() => void problems.add(message)))
  const module = yield* tried(modules.tasks())
  yield* tried(modules.allBehaviours)
  const beganAt = performance.now()
  const asked = Effect.gen(function* () {
    const coordination = yield* Coordination
    const objects = yield* ObjectStore
    yield* Effect.all([coordination.state(NO_RUN), objects.get(NO_RUN, ["nothing"])], { concurrency: 2 })
    return true
  })
  const store = yield* tried(connection.name)
  const answered =
    store === undefined
      ? undefined
      : yield* tried(connection.first((services) => Effect.provideContext(asked, services)))
  return {
    functionVersion,
    bundle: bundle.version,
    memoryMiB,
    tasks: [...(module?.tasks.keys() ?? [])],
    ...(store === undefined ? {} : { store }),
    ...(answered === undefined ? {} : { storeMs: performance.now() - beganAt }),
    problems: [...problems]
  } satisfies Checked
})
