/**
 * `@weft/planner-uniform`.
 */
export {}
