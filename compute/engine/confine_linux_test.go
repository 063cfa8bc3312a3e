package engine

const hardCeiling = true
