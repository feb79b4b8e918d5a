export { http, type Http, type HttpAnswer, type HttpRequest } from './http.ts'
export { customHeaders, headerValue, isWeb, webAddress } from './settings.ts'
