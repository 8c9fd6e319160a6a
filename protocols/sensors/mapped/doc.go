// Package mapped understands plain JSON by a mapping that the integrator writes, for sensors that speak no known dialect.
//
// In: a mapping file (YAML, see [File]) and messages. Out: observations and readings of the paths that the mapping names;
// every other path is dropped as "*". Expressions are those of expr-lang/expr with a few pure functions: no loops, no
// ranges, no clock, no I/O, at most [MaxNodes] nodes each. A field that is absent says nothing; an expression that does not
// fit the value in the message drops the paths it reads.
//
// Without a mapping [Default] reads well-known English names; see the table builtin. Neither guesses: what a name or a
// unit does not say stays unsaid.
package mapped
