package names

// shared is the allow-list of names that tell a number and that all mean alike; codecs and things add what only they are
// sure of.
func shared() map[string]measure {
	return merge(air(), ground(), gases(), depths(), supply(), weather())
}

func air() map[string]measure {
	return merge(
		all(usual("temperature", temperature, "Cel"), "temperature", "temp", "tem", "air_temperature", "ambient_temperature", "room_temperature", "indoor_temperature",
			"temperature_sensor", "current_temperature", "temp_sht", "temp_c_sht", "temp_c_sht31", "temp_c_tmp117", "temp_air", "air_temp", "t_air", "env_temperature", "environment_temperature",
			"temperature_value", "ambient_temp", "temp_now", "indoor_temp", "wendu"),
		all(usual("external_temperature", temperature, "Cel"), "external_temperature", "ext_temperature", "temperature_ext", "ext_temp_c_sht", "temp_ext", "outdoor_temperature"),
		all(measure{"external_temperature", temperature, probe}, "temp_c_ds", "temp_c_ds18b20", "temp_ds18b20", "ds18b20", "temp_ds"),
		all(measure{"temperature_1", temperature, probe}, "temp_c1"), all(measure{"temperature_2", temperature, probe}, "temp_c2"), all(measure{"temperature_3", temperature, probe}, "temp_c3"),
		all(usual("probe_temperature", temperature, "Cel"), "temperature_probe", "probe_temperature"),
		all(usual("surface_temperature", temperature, "Cel"), "surface_temperature"),
		all(usual("dew_point", temperature, "Cel"), "dew_point", "dewpoint", "t_dew"),
		all(usual("device_temperature", temperature, "Cel"), "device_temperature", "mcu_temperature", "temperature_board", "board_temperature", "chip_temperature", "internal_temperature", "internal_circuit_temperature", "cputemp", "cpu_temperature"),
		all(usual("humidity", share, "%"), "humidity", "hum", "humi", "relative_humidity", "air_humidity", "rh", "humidity_sensor", "hum_sht", "hum_sht31", "current_humidity", "environment_humidity",
			"humidity_value", "ambient_humidity", "indoor_humidity", "env_humidity", "shidu"),
		all(usual("external_humidity", share, "%"), "external_humidity", "ext_humidity", "ext_hum_sht", "outdoor_humidity"),
		all(bySize("pressure", pressure, airPressure...), "barometric_pressure", "atmospheric_pressure", "air_pressure", "barometer", "atmosphere_pressure", "baro", "current_pressure"),
		all(usual("illuminance", light, "lx"), "illuminance", "illumination", "lux", "light_lux", "illum", "ill", "luminosity", "illuminance_value", "light_illuminance", "illuminance_sensor", "current_illuminance"),
		all(usual("uv_index", dimension{{Unit: "1", Lo: 0, Hi: 50}}, "1"), "uv_index"),
	)
}

func ground() map[string]measure {
	return merge(
		all(usual("soil_temperature", temperature, "Cel"), "soil_temperature", "temp_soil", "soil_temp", "temperature_soil"),
		all(usual("water_temperature", temperature, "Cel"), "water_temperature", "water_temp"),
		all(usual("leaf_temperature", temperature, "Cel"), "leaf_temperature"),
		all(usual("soil_moisture", soil, "%"), "soil_moisture", "water_soil", "soil_humidity", "moisture_soil"),
		all(told("soil_moisture", soil), "volumetric_water_content", "vwc"),
		all(usual("leaf_moisture", share, "%"), "leaf_moisture"),
		all(usual("conductivity", salt, "uS/cm"), "conduct_soil", "soil_conductivity"),
		all(told("conductivity", salt), "electrical_conductivity", "conductivity", "ec"),
		all(usual("ph", acid, "[pH]"), "ph", "ph1_soil", "soil_ph", "ph_value"),
		all(told("water_pressure", pressure), "water_pressure", "pipe_pressure", "liquid_pressure"),
		all(told("differential_pressure", pressure), "differential_pressure"),
	)
}

func gases() map[string]measure {
	return merge(
		all(measure{"co2", parts, breath}, "co2", "co_2", "carbon_dioxide", "co2_concentration", "co2_value", "co2_filtered"),
		all(usual("co", parts, "[ppm]"), "co_concentration", "co_value", "carbon_monoxide_concentration", "co_content"),
		all(told("voc", parts), "tvoc", "voc", "total_voc"),
		all(told("o3", parts), "o3", "ozone"), all(told("no2", parts), "no2"), all(told("so2", parts), "so2"),
		all(told("nh3", parts), "nh3"), all(told("h2s", parts), "h2s"), all(told("hcho", parts), "hcho", "formaldehyde"),
		all(told("gas", parts), "ch4", "methane", "combustible_gas"),
		all(usual("gas_lel", dimension{{Unit: "%{LEL}", Lo: 0, Hi: 100}}, "%{LEL}"), "gas_lel", "lel"),
		all(usual("pm1", dust, "ug/m3"), "pm1", "pm1_0", "pm_1", "pm_1_0"), all(usual("pm25", dust, "ug/m3"), "pm25", "pm2_5", "pm_25", "pm_2_5", "pm2_5_value", "pm25_value"),
		all(usual("pm4", dust, "ug/m3"), "pm4", "pm4_0"), all(usual("pm10", dust, "ug/m3"), "pm10", "pm_10", "pm10_value"),
	)
}

func depths() map[string]measure {
	return merge(
		all(told("water_level", length), "water_level", "liquid_level", "water_depth", "water_deep", "liquid_depth"),
		all(told("distance", length), "distance", "distance_average", "distance_value", "ultrasonic_distance", "lidar_distance"),
		all(usual("level", share, "%"), "level_percentage", "level_percent", "fill_level", "filling_level", "liquid_level_percent"),
		all(told("flow", flow), "flow", "flow_rate", "water_flow", "instant_flow", "sap_flow"),
	)
}

func supply() map[string]measure {
	return merge(
		all(measure{quantity: "battery", dim: share}, "battery", "bat", "battery_level", "batt"),
		all(usual("battery", share, "%"), "battery_percentage", "battery_percent", "battery_perc", "bat_percent", "electricity", "battery_remaining", "battery_power_level",
			"battery_capacity_percentage", "bat_level", "batt_level", "battery_remain", "cell_remain", "dianliang"),
		all(bySize("battery_voltage", volts, cellVolts...), "battery_voltage", "bat_v", "batv", "batt_v", "v_bat", "vbat", "battery_v", "battery_volt", "batt_voltage", "bat_voltage", "batt_volt", "bat_volt", "vbatt"),
		all(bySize("battery_voltage", volts, cellVolts[1]), "vdd"),
		all(bySize("voltage", volts, lineVolts...), "voltage", "volt", "vol", "rms_voltage", "voltage_value", "avi", "light_volt", "supply_voltage", "working_voltage"),
		all(told("current", amps), "current", "leakage_current", "aci", "rms_current", "idc_intput"),
		all(usual("power", watts, "W"), "active_power", "power_w", "total_active_power"),
		all(told("power", watts), "power"),
		all(told("energy", work), "energy", "power_consumption", "energy_consumption", "total_energy", "active_energy", "electric_energy"),
		all(measure{"power_factor", ratio, cosine}, "power_factor", "power_ratio"),
		all(usual("frequency", hertz, "Hz"), "ac_frequency", "grid_frequency", "power_frequency"),
	)
}

func weather() map[string]measure {
	return merge(
		all(usual("wind_speed", speed, "m/s"), "wind_speed"),
		all(usual("wind_direction", dimension{{Unit: "deg", Lo: 0, Hi: 360}}, "deg"), "wind_direction", "wind_angle"),
		all(usual("rainfall", rain, "mm"), "rainfall", "rain_fall"), all(usual("rainfall_total", rain, "mm"), "rainfall_total"),
		all(told("rainfall", rain), "precipitation", "rain"), all(told("rainfall_total", rain), "cumulative_precipitation"),
		all(usual("noise", noise, "dB"), "noise", "noise_level", "l_aeq", "decibel", "sound_level", "noise_value"),
		all(usual("angle_x", angle, "deg"), "angle_x", "x_angle", "tilt_x"), all(usual("angle_y", angle, "deg"), "angle_y", "y_angle", "tilt_y"), all(usual("angle_z", angle, "deg"), "angle_z", "z_angle", "tilt_z"),
	)
}

// codecs is what only codecs of LoRaWAN devices mean alike.
func codecs() map[string]measure { return merge(shared()) }

// things is what only thing models mean alike, by the units of the clouds' standard functions.
func things() map[string]measure {
	return merge(shared(),
		all(usual("water_level", length, "m"), "water_level"),
		all(usual("current", amps, "A"), "current", "light_current", "current_value"),
		all(usual("power", watts, "W"), "power"),
		all(usual("energy", work, "kW.h"), "energy", "power_consumption", "electric_energy", "total_energy"),
		all(usual("gas", parts, "[ppm]"), "gas_concentration", "gas_value"),
		all(usual("co", parts, "[ppm]"), "co"),
		all(usual("smoke_concentration", parts, "[ppm]"), "smoke_concentration"),
		all(usual("frequency", hertz, "Hz"), "frequency"),
		all(usual("illuminance", light, "lx"), "luminance"),
	)
}

// probe is a number of a DS18B20 on a wire: it tells -55 to 125 °C; Dragino's codecs say 327.67 or 0 if none is there.
func probe(v float64) (string, bool) { return "Cel", v >= -55 && v <= 125 && v != 0 }

// breath leaves out the zero of a CO2 sensor that warms up, and the 65535 of one that is broken.
func breath(v float64) (string, bool) { return "[ppm]", v >= 100 && v <= 50_000 }

// cosine tells a share of one from percent by its size.
func cosine(v float64) (string, bool) {
	if v >= -1 && v <= 1 {
		return "1", true
	}
	return "%", v > 1 && v <= 100
}

func all(m measure, names ...string) map[string]measure {
	out := make(map[string]measure, len(names))
	for _, name := range names {
		out[name] = m
	}
	return out
}

func merge(tables ...map[string]measure) map[string]measure {
	out := map[string]measure{}
	for _, t := range tables {
		for name, m := range t {
			out[name] = m
		}
	}
	return out
}
