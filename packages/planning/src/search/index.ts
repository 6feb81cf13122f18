/**
 * The steps that planners are made of.
 */
export { bestMemory, placed, preloaded } from "./Equal.ts"
export { bestForEach, lower } from "./Memory.ts"
export { isNameable, type PlacementOptions, place, settle, upwardRank } from "./Placement.ts"
export { preloads } from "./Preloads.ts"
export { prewarms } from "./Prewarms.ts"
export { type Better, budget, type Evaluated, evaluate, isBetter, Search } from "./Search.ts"
export { NO_SLACK_MS, type Slack, slack } from "./Slack.ts"
