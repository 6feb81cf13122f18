/**
 * `@weft/planner-wukong`.
 */
export {}
