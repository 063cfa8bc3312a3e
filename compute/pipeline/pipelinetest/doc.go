// Package pipelinetest makes a small pipeline for tests, of one network that takes loudness for speech.
package pipelinetest
