package pages

// view is what a screen of Connect shows. Each screen uses some of it.
type view struct {
	Screen string // see [world.Screen]
	App    string // the application's name, "" if the front end did not say
	Relink bool
	Back   bool      // there is a screen to go back to
	Bank   *bankView // nil before one is chosen
	Error  string    // why the user has to correct what was entered, a sentence
	Hints  []hint    // for the tester's panel

	Banks    []bankView    // Finder: test banks and featured ones first
	Products []productView // Permissions
	Username string        // Credentials: what was entered before
	Devices  []deviceView  // OTP Device
	Device   string        // OTP: where the code was sent, such as "•••• 4242"
	Question string        // Security Question
	BankURL  string        // OAuth: the bank's page
	Accounts []accountView // Accounts
	One      bool          // Accounts: only one may be shared
	Hidden   bool          // Accounts: there are others that the application does not want
	Failure  *failureView  // Error
	After    int           // Waiting: milliseconds until the page asks again; Success: until it closes
	Shared   int           // Success: how many accounts are shared
}

// bankView is an institution.
type bankView struct {
	ID, Name, Domain, Country string
	Initials, Color           string
	Keywords                  string // to be found by, besides the name
	Tile                      bool   // it is shown above the list
}

// productView is something that the application asks for.
type productView struct {
	Product  string // as in the API; "accounts" is always there
	Name     string // such as "Account and routing numbers"
	Reason   string // completes "is used to", "" if the application gave none
	Locked   bool   // cannot be declined
	Declined bool   // the user has declined it before
}

// deviceView is where a code can be sent.
type deviceView struct{ ID, Kind, Name string } // Kind is sms, email or phone

// accountView is an account at the bank.
type accountView struct {
	ID, Name, Kind, Mask, Balance string // Kind and Balance are texts for people
	Known                         bool   // the user has connected it before
	Shared                        bool   // it belongs to the link that is being relinked, and stays shared
	Checked                       bool
}

// failureView is why it does not go on.
type failureView struct {
	Title, Text string
	Retry       bool // the same again may help
	Other       bool // another bank may be chosen
	Website     bool // the user has to do something at the bank's website
	Final       bool // there is nothing but to close
}

// hint is a button of the tester's panel. It fills in fields of the screen's form by their names,
// and selects radio buttons and institutions by their values.
type hint struct {
	Label string            // such as "user_otp"
	Text  string            // what happens then
	Fill  map[string]string // values by the names of fields
}
