/**
 * `@weft/planning`: what planners share.
 */
export * as Assignment from "./Assignment.ts"
export * as Environment from "./Environment.ts"
export * as Model from "./Model.ts"
export * as Prices from "./Prices.ts"
export * as Simulator from "./Simulator.ts"
export * as Timeline from "./Timeline.ts"
export * as Unrolled from "./Unrolled.ts"
