export { http, type Http, type HttpAnswer, type HttpRequest } from './http.ts'
