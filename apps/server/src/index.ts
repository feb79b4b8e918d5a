export { serve, type Running, type ServeOptions } from './serve.ts'
