/**
 * `@weft/planner-report2`.
 */
export {}
