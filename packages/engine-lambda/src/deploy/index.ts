/**
 * `@weft/engine-lambda/deploy`: bundles a workflow, and makes its functions. Promises only.
 */
export { type Bundle, type BundleOptions, type BundleStep, bundle } from "./Bundle.ts"
export {
  BundleFailed,
  BundleTooLarge,
  InstallFailed,
  InvalidManifest,
  NativeDependency
} from "./BundleErrors.ts"
export {
  type Deployed,
  type Deployment,
  type DeployOptions,
  type DeployStep,
  deploy,
  nameOf
} from "./Deploy.ts"
export { CheckFailed, InvalidDeployment } from "./DeployErrors.ts"
export type { Arch } from "./Externals.ts"
export type { Updated, WhenChecked } from "./FunctionUpdate.ts"
export type { Policy, Statement } from "./Policy.ts"
export { megabytes, type Size, sizeLines } from "./Sizes.ts"
export { policy, type Template, writeTemplate } from "./Template.ts"
export { type Undeployment, type UndeployOptions, undeploy } from "./Undeploy.ts"
