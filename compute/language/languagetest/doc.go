// Package languagetest makes small language models of random weights for tests.
package languagetest
