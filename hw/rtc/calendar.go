package rtc

import (
	"time"

	"govm-desktop/clock"
)

// running reports whether the calendar goes on: neither SET nor a divider that is held in reset or off.
func (r *RTC) running() bool {
	return r.ram[regB]&bSET == 0 && r.ram[regA]&aDivider == 0x20
}

// phase is the time since the seconds last changed.
func (r *RTC) phase() clock.Time {
	d := (r.cfg.Clock.Now() - r.origin) % clock.Second
	if d < 0 {
		d += clock.Second
	}
	return d
}

// now is the calendar's time in seconds.
func (r *RTC) now() int64 { return r.at(r.cfg.Clock.Now()) }

// at is the calendar's time at a given virtual time.
func (r *RTC) at(t clock.Time) int64 {
	if !r.running() {
		return r.secs
	}
	return r.secs + floorSeconds(t-r.origin)
}

func floorSeconds(d clock.Time) int64 {
	s := d / clock.Second
	if d%clock.Second < 0 {
		s--
	}
	return int64(s)
}

// show brings the calendar's registers up to date; while it stands still they hold what was written.
// Preconditions of all below: mu is held.
func (r *RTC) show() {
	if !r.running() {
		return
	}
	t := time.Unix(r.now(), 0).UTC()
	hour := r.encode(t.Hour())
	if r.ram[regB]&b24 == 0 {
		hour = r.encode((t.Hour()+11)%12 + 1)
		if t.Hour() >= 12 {
			hour |= 0x80
		}
	}
	year := t.Year()
	r.ram[regSeconds] = r.encode(t.Second())
	r.ram[regMinutes] = r.encode(t.Minute())
	r.ram[regHours] = hour
	r.ram[regDayOfWeek] = r.encode((int(t.Weekday())+int(r.weekday))%7 + 1)
	r.ram[regDay] = r.encode(t.Day())
	r.ram[regMonth] = r.encode(int(t.Month()))
	r.ram[regYear] = r.encode(((year % 100) + 100) % 100)
	r.ram[regCentury] = r.encode(((year/100)%100 + 100) % 100)
}

// set makes the registers' date and time the calendar's at the given moment. Dates that do not exist roll over into ones that do.
func (r *RTC) set(origin clock.Time) {
	hour := r.ram[regHours]
	h := r.decode(hour)
	if r.ram[regB]&b24 == 0 {
		h = r.decode(hour&0x7f) % 12
		if hour&0x80 != 0 {
			h += 12
		}
	}
	year := r.decode(r.ram[regCentury])*100 + r.decode(r.ram[regYear])
	t := time.Date(year, time.Month(r.decode(r.ram[regMonth])), r.decode(r.ram[regDay]), h,
		r.decode(r.ram[regMinutes]), r.decode(r.ram[regSeconds]), 0, time.UTC)
	r.weekday = uint8(((r.decode(r.ram[regDayOfWeek])-1-int(t.Weekday()))%7 + 7) % 7)
	r.secs, r.origin = t.Unix(), origin
}

// encode and decode go by the format that register B chooses: binary or BCD.
func (r *RTC) encode(n int) uint8 {
	if r.ram[regB]&bDM != 0 {
		return uint8(n)
	}
	return uint8(n/10<<4 | n%10)
}

func (r *RTC) decode(v uint8) int {
	if r.ram[regB]&bDM != 0 {
		return int(v)
	}
	return int(v>>4)*10 + int(v&15)
}

// alarmFields are the alarm's hour, minute and second; -1 stands for any.
func (r *RTC) alarmFields() (h, m, s int) {
	field := func(v uint8) int {
		if v >= 0xc0 {
			return -1
		}
		return r.decode(v)
	}
	h = field(r.ram[regHoursAlarm])
	if v := r.ram[regHoursAlarm]; v < 0xc0 && r.ram[regB]&b24 == 0 {
		h = r.decode(v&0x7f) % 12
		if v&0x80 != 0 {
			h += 12
		}
	}
	return h, field(r.ram[regMinutesAlarm]), field(r.ram[regSecondsAlarm])
}

const day = 24 * 60 * 60

// nextAlarm is the first second after the given one that matches the alarm; false if none ever does.
func (r *RTC) nextAlarm(after int64) (int64, bool) {
	h, m, s := r.alarmFields()
	if h > 23 || m > 59 || s > 59 {
		return 0, false
	}
	midnight := after - ((after%day)+day)%day
	from := after + 1 - midnight // second of the day to start from
	if at, ok := matchFrom(int(from), h, m, s); ok {
		return midnight + int64(at), true
	}
	at, ok := matchFrom(0, h, m, s)
	return midnight + day + int64(at), ok
}

// matchFrom is the first second of a day, not before from, whose fields match.
func matchFrom(from, h, m, s int) (int, bool) {
	for hour := from / 3600; hour < 24; hour++ {
		if h >= 0 && hour != h {
			continue
		}
		for minute := range 60 {
			at := hour*3600 + minute*60
			if m >= 0 && minute != m || at+59 < from {
				continue
			}
			sec := max(0, from-at)
			if s >= 0 && s < sec {
				continue
			}
			if s >= 0 {
				sec = s
			}
			return at + sec, true
		}
	}
	return 0, false
}
