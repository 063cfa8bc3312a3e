// Package conformance runs the backend tests of ONNX: folders with a model.onnx and test_data_set_*
// folders of inputs and the outputs that are expected.
//
// A Report counts tests that passed, failed, and are unsupported, in all and by operator. Unsupported is
// only what compute/onnx, compute/operator and compute/program say is not provided, each with that reason;
// whatever else goes wrong is a failure. Nothing that did not run counts as passed.
//
// Every test runs twice, by the definitions (compute/program) and by a plan (compute/plan). It passes if the
// first are right and the second has the same bits.
//
// Whole numbers and truth values must be equal. Floats may differ as much as ONNX's own runner allows:
// |got - want| <= 1e-7 + 1e-3·|want|.
//
// aiwork-node model conformance prints a Report.
package conformance
