package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Error codes, as Ethereum clients know them.
const (
	CodeParse    = -32700
	CodeRequest  = -32600
	CodeMethod   = -32601
	CodeParams   = -32602
	CodeInternal = -32603
	CodeRefused  = -32000
	CodeLimit    = -32005
	CodeReverted = 3
	CodePending  = 4 // of eth_sendRawTransactionSync

	// Of eth_simulateV1 and of overrides.
	codeNonceLow      = -38010
	codeNonceHigh     = -38011
	codeFeeCap        = -38012
	codeIntrinsic     = -38013
	codeFunds         = -38014
	codeBlockGas      = -38015
	codeNumberOrder   = -38020
	codeTimeOrder     = -38021
	codeMovedToItself = -38022
	codeMovedTwice    = -38023
	codeInitCode      = -38025
	codeTooMany       = -38026
	codeVM            = -32015

	nestingMax     = 64
	methodBytesMax = 64
)

// Error is a JSON-RPC error object.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error with a code and a text.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// request is one call as it came. An absent id makes it a notification, which is not answered.
type request struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

var nullID = json.RawMessage("null")

func failure(id json.RawMessage, err *Error) response {
	if id == nil {
		id = nullID
	}
	return response{Version: "2.0", ID: id, Error: err}
}

func success(id json.RawMessage, result json.RawMessage) response {
	return response{Version: "2.0", ID: id, Result: result}
}

// encode gives the response as JSON. The result is JSON already and is not read again.
func (r *response) encode() []byte {
	if r.Error != nil {
		return encode(r)
	}
	const head, middle = `{"jsonrpc":"2.0","id":`, `,"result":`
	out := make([]byte, 0, len(head)+len(r.ID)+len(middle)+len(r.Result)+1)
	out = append(append(out, head...), r.ID...)
	out = append(append(out, middle...), r.Result...)
	return append(out, '}')
}

// parseBody splits a body into requests and says whether it was a batch.
func parseBody(body []byte, itemsMax int) (items []json.RawMessage, batch bool, err *Error) {
	body = bytes.TrimLeft(body, " \t\r\n")
	if err := checkNesting(body); err != nil {
		return nil, false, err
	}
	if len(body) == 0 || body[0] != '[' {
		if !json.Valid(body) {
			return nil, false, Errorf(CodeParse, "parse error: the body is not JSON")
		}
		return []json.RawMessage{body}, false, nil
	}
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, false, Errorf(CodeParse, "parse error: the body is not JSON: %v", err)
	}
	switch {
	case len(items) == 0:
		return nil, false, Errorf(CodeRequest, "invalid request: empty batch")
	case len(items) > itemsMax:
		return nil, false, Errorf(CodeLimit, "batch of %d requests: at most %d are taken, split it", len(items), itemsMax)
	}
	return items, true, nil
}

// checkNesting refuses deep JSON before a recursive parser sees it.
func checkNesting(body []byte) *Error {
	depth, inString, escaped := 0, false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '[' || c == '{':
			if depth++; depth > nestingMax {
				return Errorf(CodeRequest, "invalid request: JSON nested deeper than %d", nestingMax)
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return nil
}

// parseRequest reads one call strictly enough to answer it.
func parseRequest(raw json.RawMessage) (request, *Error) {
	var r request
	if err := json.Unmarshal(raw, &r); err != nil {
		return request{}, Errorf(CodeRequest, "invalid request: %v", err)
	}
	switch {
	case !validID(r.ID):
		return request{}, Errorf(CodeRequest, "invalid request: id must be a string, a number or null")
	case r.Version != "2.0":
		return r, Errorf(CodeRequest, `invalid request: want "jsonrpc":"2.0"`)
	case r.Method == "" || len(r.Method) > methodBytesMax:
		return r, Errorf(CodeRequest, "invalid request: method must be a name of 1 to %d bytes", methodBytesMax)
	}
	return r, nil
}

func validID(id json.RawMessage) bool {
	return len(id) == 0 || (len(id) <= 256 && id[0] != '{' && id[0] != '[' && id[0] != 't' && id[0] != 'f')
}

// splitParams gives positional parameters; absent and null params are none.
func splitParams(raw json.RawMessage) ([]json.RawMessage, *Error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var params []json.RawMessage
	if err := json.Unmarshal(raw, &params); err != nil {
		return nil, Errorf(CodeParams, "invalid params: want an array of positional parameters")
	}
	return params, nil
}

// asError turns any error of a method into the object the caller gets.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if c, ok := errors.AsType[interface {
		error
		RPCCode() int
	}](err); ok {
		return &Error{Code: c.RPCCode(), Message: err.Error()}
	}
	return &Error{Code: CodeRefused, Message: err.Error()}
}
