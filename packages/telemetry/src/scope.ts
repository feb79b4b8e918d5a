/** The instrumentation scope of Falco Talon: dashboards select by it. */
export const SCOPE = 'github.com/Falco-Talon/falco-talon'
