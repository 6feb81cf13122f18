/**
 * `@weft/planning`: what planners share.
 */
export * as Assignment from "./Assignment.ts"
export * as Baselines from "./baselines/index.ts"
export * as Environment from "./Environment.ts"
export * as Explaining from "./Explaining.ts"
export * as Model from "./Model.ts"
export * as Prices from "./Prices.ts"
export * as Settings from "./Settings.ts"
export * as Simulator from "./Simulator.ts"
export * as Search from "./search/index.ts"
export * as Timeline from "./Timeline.ts"
export * as Unrolled from "./Unrolled.ts"
