// The suite on S3, and on S3 as the large tier of another store.
import { ObjectStore } from "@weft/storage"
import { objectStore } from "@weft/storage/conformance"
import { ObjectStoreS3, tiered } from "@weft/storage-s3"
import { startS3 } from "@weft/testing"
import { Effect, Layer } from "effect"

const server = Effect.acquireRelease(
  Effect.promise(async () => {
    const s3 = await startS3()
    await s3.createBucket("weft")
    return s3
  }),
  (s3) => Effect.promise(() => s3.stop())
)

/** A bucket of its own on a server of its own. */
const layer = Layer.unwrap(
  Effect.map(server, ({ credentials, endpoint, region }) =>
    ObjectStoreS3.layer({ bucket: "weft", credentials, endpoint, region, partBytes: 5 * 2 ** 20 })
  )
)

/** Of two parts and a bit, and three ranges. */
const largeBytes = 20 * 2 ** 20

objectStore("ObjectStoreS3", layer, { largeBytes, usage: true })

objectStore(
  "tiered: memory and S3",
  tiered({ small: ObjectStore.layerMemory, large: layer, thresholdBytes: 4 }),
  { largeBytes, usage: true }
)
