package contract

// Version is that of the contract, which a plugin's handshake and its manifest name.
const Version = 1

// Cookie is the variable by which a plugin knows that it was started by Sluice, and CookieValue its value.
const (
	Cookie      = "SLUICE_PLUGIN"
	CookieValue = "v1"
)
