/**
 * `@weft/testing`: servers that tests and benchmarks start for themselves. They listen on 127.0.0.1 only, keep their
 * data in a temporary folder, and end with whoever has started them.
 */

export { type Certificate, makeCertificate } from "./Certificate.ts"
export { type Cloud, type CloudOptions, startCloud } from "./Cloud.ts"
export { type RedisCluster, startRedisCluster } from "./RedisCluster.ts"
export { RedisServer, type RedisServerOptions, startRedis } from "./RedisServer.ts"
export { type S3Server, startS3 } from "./S3Server.ts"
