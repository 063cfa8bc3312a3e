// Package photos holds the sample photographs that ship with the project: everyday things under free
// licences, scaled down, for the demonstration job and for tests of the content-safety model. Their
// authors and licences are told by All and, for people, in docs/third-party.md.
package photos

import (
	"embed"

	"github.com/aiwork/aiwork-node/internal/must"
)

// A Photo is one photograph. JPEG belongs to the caller.
type Photo struct {
	Name    string // of the file, with its ending
	JPEG    []byte
	Author  string
	Source  string
	Licence string // SPDX identifier, or "public domain"
}

//go:embed data/*.jpg
var files embed.FS

const (
	skimage = "scikit-image sample data, Debian package python3-skimage 0.19.3-8, "
	lomiri  = "Debian package lomiri-wallpapers-16.04, "
)

// All gives the photographs, in the order of their names.
func All() []Photo {
	all := []Photo{
		{Name: "brushes.jpg", Author: `Trevor "Freespace"`, Source: lomiri + "Picture_1A_by_freespace.jpg", Licence: "CC-BY-4.0"},
		{Name: "cat.jpg", Author: "Stefan van der Walt", Source: skimage + "chelsea.png", Licence: "CC0-1.0"},
		{Name: "coffee.jpg", Author: "Rachel Michetti, Pikolo Espresso Bar", Source: skimage + "coffee.png", Licence: "CC0-1.0"},
		{Name: "dandelion.jpg", Author: "Clemens Engelhardt", Source: lomiri + "seeding_by_Clements_Engelhardt.jpg", Licence: "CC0-1.0"},
		{Name: "drum.jpg", Author: "Jakub Mede", Source: lomiri + "Wine_by_Jakkub_Mede.jpg", Licence: "CC-BY-4.0"},
		{Name: "fig.jpg", Author: `Trevor "Freespace"`, Source: lomiri + "Picture_0B_by_freespace.jpg", Licence: "CC-BY-4.0"},
		{Name: "photographer.jpg", Author: "Lav Varshney", Source: skimage + "camera.png", Licence: "CC0-1.0"},
		{Name: "rocket.jpg", Author: "SpaceX", Source: skimage + "rocket.jpg", Licence: "public domain"},
	}
	for i := range all {
		all[i].JPEG = mustRead(all[i].Name)
	}
	return all
}

// mustRead reads an embedded file. That it is there is settled when the binary is built, and tested.
func mustRead(name string) []byte {
	b, err := files.ReadFile("data/" + name)
	must.Hold(err == nil, "an embedded photograph is missing")
	return b
}
