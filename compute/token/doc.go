// Package token turns texts into the tokens of a language model and back.
package token
