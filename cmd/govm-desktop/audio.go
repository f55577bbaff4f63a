package main

import (
	"govm-desktop/audio"
	"govm-desktop/audio/tone"
	"govm-desktop/cmd/govm-desktop/options"
)

func audioOptions() []option {
	id := options.Key{Name: "id", Help: "its name"}
	kinds := []options.Kind{
		{Name: "none", Help: "silence", Keys: []options.Key{id}},
		{Name: "tone", Help: "a tone, left and right in turn, to try a viewer's loudspeakers with", Keys: []options.Key{id, {Name: "frequency", Type: options.Number, Help: "in Hz; 440"}}},
	}
	return []option{{Name: "audiodev", Part: "Devices", Arg: "[driver=]DRIVER,id=ID[,prop=value][,...]", Help: "sound for viewers that want to hear it (-vnc …,audiodev=ID)", Config: "audiodev",
		Implied: "driver", Kinds: kinds, Set: (*settings).audiodev}}
}

// audiodev is -audiodev: the table checks that the driver is there.
func (s *settings) audiodev(o *options.Opts) error {
	id := o.Str("id", "")
	if id == "" {
		return o.Fail("an id= has to name it")
	}
	if _, is := s.audio[id]; is {
		return o.Fail("there is an audiodev %q already", id)
	}
	if s.audio == nil {
		s.audio = map[string]audio.Source{}
	}
	s.audio[id] = nil
	if o.Str("driver", "") == "tone" {
		hz, err := o.Number("frequency", 440)
		if err != nil {
			return err
		}
		if hz < 20 || hz > 20000 {
			return o.Fail("frequency= is from 20 to 20000 Hz")
		}
		s.audio[id] = tone.Source{Hz: int(hz)}
	}
	return nil
}
