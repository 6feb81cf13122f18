/**
 * `@weft/fault-lab`: runs workers and the protocol on a virtual clock against an adversary.
 */
export {
  callFaults,
  type Fault,
  type FaultKind,
  invocationFaults,
  type Mischief,
  messageFaults,
  type Rates,
  taskFaults,
  timeFaults
} from "./Adversary.ts"
export * as Controls from "./Controls.ts"
export { type Break, type Scenario, simulate, type Verdict } from "./simulate.ts"
