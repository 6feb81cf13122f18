/**
 * `@weft/engine-lambda/deploy`: bundles a workflow, and makes its functions.
 */
export { type Bundle, type BundleOptions, type BundleStep, bundle } from "./Bundle.ts"
export {
  BundleFailed,
  BundleTooLarge,
  InstallFailed,
  InvalidManifest,
  NativeDependency
} from "./BundleErrors.ts"
export type { Arch } from "./Externals.ts"
export { megabytes, type Size, sizeLines } from "./Sizes.ts"
