/**
 * Stores as functions get at them: their adapters are in the bundle, under names; how they are opened is in the
 * function's environment.
 */
import { fileURLToPath } from "node:url"
import type { Stores, StoresReference } from "@weft/storage"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { InvalidDeployment } from "./DeployErrors.ts"
import { Manifests } from "./Manifests.ts"

/** A reference without modules, and what a bundle carries so that it can be used. */
export interface CarriedStores {
  readonly reference: StoresReference
  /** The URLs of adapters' modules, by name. */
  readonly adapters: Readonly<Record<string, string>>
}

/**
 * The stores as a bundle carries them.
 *
 * @throws {InvalidDeployment} if only this process gets at them
 */
export const carriedBy = (stores: Stores.Stores): CarriedStores => {
  if (stores.reference === undefined) {
    throw new InvalidDeployment({
      about: "stores",
      problem:
        `functions do not get at the store "${stores.name}", which only this process has: name one that they reach, such ` +
        "as --store redis://HOST:6379 (WEFT_STORE)"
    })
  }
  const manifests = new Manifests()
  const adapters: Record<string, string> = {}
  const carry = ({ base, module, options }: StoresReference): StoresReference => {
    const file = module.startsWith("file:") ? fileURLToPath(module) : module
    const name = manifests.of(file)?.name ?? module
    // One package may have several adapters.
    const free =
      adapters[name] === undefined || adapters[name] === module
        ? name
        : `${name}:${Object.keys(adapters).length}`
    adapters[free] = module
    return { module: free, options, ...(base === undefined ? {} : { base: carry(base) }) }
  }
  return { reference: carry(stores.reference), adapters }
}

/** A bucket that functions read and write. */
export interface Bucket {
  readonly bucket: string
  /** What all keys begin with. */
  readonly prefix: string
}

const S3 = Schema.Struct({
  s3: Schema.Struct({ bucket: Schema.String, prefix: Schema.optionalKey(Schema.String) })
})
const decodeS3 = Schema.decodeUnknownOption(S3)

/** The buckets that stores use. */
export const bucketsOf = ({ base, module, options }: StoresReference): ReadonlyArray<Bucket> => {
  const below = base === undefined ? [] : bucketsOf(base)
  if (module !== "@weft/storage-s3") return below
  const { bucket, prefix = "weft" } = Option.getOrThrow(decodeS3(options)).s3
  return [{ bucket, prefix }, ...below]
}

/** Whether stores are looked for on the machine that asks: inside a function, in that function. */
export const isLocal = ({ base, options }: StoresReference): boolean =>
  /\/\/([^/"]*@)?(localhost|127\.0\.0\.1|\[::1\])[:/"?]/.test(`${JSON.stringify(options)}`) ||
  (base !== undefined && isLocal(base))

/** Whether what opens stores says a password. */
export const hasSecrets = ({ base, options }: StoresReference): boolean =>
  /\/\/[^/"]*:[^/"]+@|"(password|secretAccessKey)"/.test(`${JSON.stringify(options)}`) ||
  (base !== undefined && hasSecrets(base))
