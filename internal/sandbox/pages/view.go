package pages

// view is the data of a screen of Connect. Each screen uses some of the fields.
type view struct {
	Screen string // see [world.Screen]
	App    string // name of the application; "" if the front end did not send it
	Relink bool
	Back   bool      // there is a screen to go back to
	Bank   *bankView // nil before the user has chosen one
	Error  string    // sentence about a wrong input
	Hints  []hint    // buttons of the tester's panel

	Banks    []bankView    // Finder: test banks and featured ones first
	Products []productView // Permissions
	Username string        // Credentials: user name that was entered before
	Devices  []deviceView  // OTP Device
	Device   string        // OTP: where the code was sent, such as "•••• 4242"
	Question string        // Security Question
	BankURL  string        // OAuth: the bank's page
	Accounts []accountView // Accounts
	One      bool          // Accounts: only one may be shared
	Hidden   bool          // Accounts: there are others that the application does not accept
	Failure  *failureView  // Error
	After    int           // milliseconds until the next poll (Waiting), or until Connect closes (Success)
	Shared   int           // Success: number of shared accounts
}

// bankView is an institution.
type bankView struct {
	ID, Name, Domain, Country string
	Initials, Color           string
	Keywords                  string // search terms in addition to the name
	Tile                      bool   // shown above the list
}

// productView is a product that the application asks for.
type productView struct {
	Product  string // name in the API
	Name     string // such as "Account and routing numbers"
	Reason   string // completes "is used to"; "" if the application gave no reason
	Locked   bool   // cannot be declined
	Declined bool   // the user has declined it before
}

// deviceView is a device to which a code can be sent.
type deviceView struct{ ID, Kind, Name string } // Kind is sms, email or phone

// accountView is an account at the bank.
type accountView struct {
	ID, Name, Kind, Mask, Balance string // Kind and Balance are texts for display
	Known                         bool   // the user has connected it before
	Shared                        bool   // it belongs to the link that is being relinked, and stays shared
	Checked                       bool
}

// failureView is the content of the error screen.
type failureView struct {
	Title, Text string
	Retry       bool // the user can retry
	Other       bool // the user can choose another bank
	Website     bool // the user has to do something at the bank's website
	Final       bool // the user can only close Connect
}

// hint is a button of the tester's panel. It fills in fields of the screen's form by their names,
// and selects radio buttons and institutions by their values.
type hint struct {
	Label string            // such as "user_otp"
	Text  string            // what happens with these values
	Fill  map[string]string // values by name of the field
}
