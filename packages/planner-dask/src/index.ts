/**
 * `@weft/planner-dask`.
 */
export {}
