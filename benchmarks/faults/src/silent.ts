/** Stores on Redis whose messages nobody hears. A module of its own: worker processes load it by its URL. */
import { Coordination, type Stores } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

type Options = Parameters<typeof redis>[0]

export const silent = (options: Options): Stores.Stores => {
  const real = redis(options)
  return {
    name: real.name,
    layer: Layer.flatMap(real.layer, (context) =>
      Layer.merge(
        Layer.succeedContext(context),
        Layer.effect(
          Coordination,
          Effect.map(Coordination, (real) => ({
            ...real,
            publish: () => Effect.void,
            subscribe: () => Effect.void
          }))
        ).pipe(Layer.provide(Layer.succeedContext(context)))
      )
    ),
    reference: { module: import.meta.url, options }
  }
}

/** What processes call. */
export const stores = (options: unknown): Stores.Stores => silent(options as Options)
