package token

import (
	"fmt"
	"slices"
	"strings"
)

// A Message is one turn of a conversation. Role is "system", "user" or "assistant".
type Message struct{ Role, Text string }

// A Template is a form of conversations, by its name.
type Template string

// The templates. Plain is for models that were not trained on conversations, or on a form that is not known.
const (
	ChatML Template = "chatml"
	Llama2 Template = "llama2"
	Llama3 Template = "llama3"
	Zephyr Template = "zephyr"
	Plain  Template = "plain"
)

// Templates lists the names.
func Templates() []Template { return []Template{ChatML, Llama2, Llama3, Zephyr, Plain} }

// TemplateByName finds a template.
func TemplateByName(name string) (Template, error) {
	if slices.Contains(Templates(), Template(name)) {
		return Template(name), nil
	}
	return Plain, fmt.Errorf("no template %q; there are %v", name, Templates())
}

// Recognise tells from a model's own template, which is a program in another language, which of ours says the same. Where
// none does it gives Plain and an error.
func Recognise(source string) (Template, error) {
	has := func(text string) bool { return strings.Contains(source, text) }
	switch {
	case has("<|im_start|>"):
		return ChatML, nil
	case has("<|start_header_id|>"):
		return Llama3, nil
	case has("[INST]"):
		return Llama2, nil
	case has("<|user|>") && has("<|assistant|>") && !has("<|end|>"):
		return Zephyr, nil
	case source == "":
		return Plain, fmt.Errorf("the model has no template of conversations; say which to use, of %v", Templates())
	}
	return Plain, fmt.Errorf("the model's template of conversations is not known; say which to use, of %v", Templates())
}

// Format gives a conversation, ready for the assistant's turn. What people wrote is Text, so that it cannot pass for
// control tokens.
func (p Template) Format(messages []Message) []Part {
	b := &builder{}
	switch p {
	case ChatML:
		for _, m := range messages {
			b.special("<|im_start|>" + m.Role + "\n").text(m.Text).special("<|im_end|>\n")
		}
		b.special("<|im_start|>assistant\n")
	case Llama3:
		for _, m := range messages {
			b.special("<|start_header_id|>" + m.Role + "<|end_header_id|>\n\n").text(strings.TrimSpace(m.Text)).special("<|eot_id|>")
		}
		b.special("<|start_header_id|>assistant<|end_header_id|>\n\n")
	case Zephyr:
		for _, m := range messages {
			b.special("<|" + m.Role + "|>\n").text(m.Text).special("</s>\n")
		}
		b.special("<|assistant|>\n")
	case Llama2:
		b.llama2(messages)
	default:
		for _, m := range messages {
			b.text(m.Role + ": " + m.Text + "\n")
		}
		b.text("assistant:")
	}
	return b.parts
}

// llama2 puts the system's words into the first turn of the user.
func (b *builder) llama2(messages []Message) {
	system := ""
	for i, m := range messages {
		switch m.Role {
		case "system":
			system += m.Text
		case "user":
			if i > 0 && messages[i-1].Role == "assistant" {
				b.special("<s>")
			}
			b.text("[INST] ")
			if system != "" {
				b.text("<<SYS>>\n" + system + "\n<</SYS>>\n\n")
				system = ""
			}
			b.text(strings.TrimSpace(m.Text) + " [/INST]")
		default:
			b.text(" " + strings.TrimSpace(m.Text) + " ").special("</s>")
		}
	}
}

// A builder joins neighbours of a mode.
type builder struct{ parts []Part }

func (b *builder) add(text string, mode Mode) *builder {
	if n := len(b.parts); n > 0 && b.parts[n-1].Mode == mode {
		b.parts[n-1].Text += text
	} else {
		b.parts = append(b.parts, Part{text, mode})
	}
	return b
}

func (b *builder) text(s string) *builder { return b.add(s, Text) }

func (b *builder) special(s string) *builder { return b.add(s, Special) }
