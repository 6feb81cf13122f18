/**
 * `@weft/worker/virtual`: worlds with a time of their own, in which workers run as they are: for simulation and for tests.
 */
export { Process } from "./Process.ts"
export { coordinationVia, memoryStores, objectsVia, type Via } from "./Remote.ts"
export { generator, type Limits, type Stop, World } from "./World.ts"
