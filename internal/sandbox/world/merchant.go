package world

import (
	"strings"

	"github.com/moneykit/moneykit-go"
)

// merchant is a made-up business that made-up users pay, or that pays them.
type merchant struct {
	name        string
	category    moneykit.Category
	subcategory moneykit.Subcategory
	least, most int // range of amounts, in cents
	processor   string
}

// shops returns the merchants of irregular payments. An empty name stands for a payment without a
// merchant.
func shops() []merchant {
	return []merchant{
		{"Larkfield Grocers", moneykit.CategoryFoodAndDrink, moneykit.SubcategoryGroceries, 800, 14000, ""},
		{"Copper Kettle Coffee", moneykit.CategoryFoodAndDrink, moneykit.SubcategoryCoffee, 250, 1200, "Tapwell"},
		{"Noodle Lantern", moneykit.CategoryFoodAndDrink, moneykit.SubcategoryEatingOutAndTakeaways, 900, 6500, ""},
		{"The Salty Heron", moneykit.CategoryFoodAndDrink, moneykit.SubcategoryBarsAndPubs, 600, 9000, "Tapwell"},
		{"Cornerstone Minimart", moneykit.CategoryFoodAndDrink, moneykit.SubcategoryConvenienceStores, 150, 3000, ""},
		{"Halyard Fuel", moneykit.CategoryTransport, moneykit.SubcategoryVehicleFuelAndCharging, 2000, 9000, ""},
		{"Metroline", moneykit.CategoryTransport, moneykit.SubcategoryPublicTransport, 180, 4500, ""},
		{"Zipcab", moneykit.CategoryTransport, moneykit.SubcategoryTaxi, 700, 5500, "Paybridge"},
		{"Parcelwise", moneykit.CategoryShopping, moneykit.SubcategoryGeneralOnlineShopping, 500, 25000, "Paybridge"},
		{"Thread & Thimble", moneykit.CategoryShopping, moneykit.SubcategoryClothingAndAccessories, 1500, 20000, ""},
		{"Voltage Electronics", moneykit.CategoryShopping, moneykit.SubcategoryElectronicsAppliancesAndTechnology, 2000, 120000, ""},
		{"Foxglove Pharmacy", moneykit.CategoryHealthAndPersonalCare, moneykit.SubcategoryPharmaciesAndHealthProducts, 400, 6000, ""},
		{"Oakroot Hardware", moneykit.CategoryHome, moneykit.SubcategoryHomeMaintenance, 500, 18000, ""},
		{"Marquee Cinemas", moneykit.CategoryEntertainment, moneykit.SubcategoryCinema, 900, 4500, ""},
		{"Pagefall Books", moneykit.CategoryEntertainment, moneykit.SubcategoryBooksAndReading, 600, 7000, "Paybridge"},
		{"Skyward Airways", moneykit.CategoryTravel, moneykit.SubcategoryFlightsAndAirportExpenses, 9000, 90000, ""},
		{"Open Harbor Relief", moneykit.CategoryCharity, moneykit.SubcategoryCharity, 1000, 10000, ""},
		{"", moneykit.CategoryTransfers, moneykit.SubcategoryCashWithdrawals, 2000, 20000, ""},
		{"", moneykit.CategoryBanking, moneykit.SubcategoryOutgoingChecks, 2500, 60000, ""},
	}
}

// role is the purpose of an account: which payments go through it.
type role int

const (
	everyday role = iota
	card
	savings

	roles = 3 // number of roles
)

// regular is a recurring payment.
type regular struct {
	merchant

	from      role
	credit    bool
	frequency string
	day       int // day of the month if frequency is monthly, else the number of days between payments
}

const monthly = "monthly"

// regulars returns the recurring payments.
func regulars() []regular {
	return []regular{
		{
			merchant{"Brightwater Works Payroll", moneykit.CategoryIncome, moneykit.SubcategoryEmploymentIncome, 140000, 320000, ""},
			everyday, true, "biweekly", 14,
		},
		{
			merchant{"Elm Street Lettings", moneykit.CategoryMortgageAndRent, moneykit.SubcategoryRent, 90000, 210000, ""},
			everyday, false, monthly, 1,
		},
		{
			merchant{"Gridline Energy", moneykit.CategoryUtilities, moneykit.SubcategoryUtilitiesEnergy, 6000, 18000, ""},
			everyday, false, monthly, 12,
		},
		{
			merchant{"Fathom Broadband", moneykit.CategoryMediaAndTelecoms, moneykit.SubcategoryBroadbandPhoneTV, 3000, 8000, ""},
			everyday, false, monthly, 17,
		},
		{
			merchant{"Streamfern", moneykit.CategoryMediaAndTelecoms, moneykit.SubcategoryTVStreamingServices, 799, 1999, ""},
			card, false, monthly, 9,
		},
		{
			merchant{"Ironwood Gym", moneykit.CategoryHealthAndPersonalCare, moneykit.SubcategoryGymAndFitness, 2500, 6000, ""},
			card, false, monthly, 3,
		},
		{
			merchant{"Tidepool Laundry", moneykit.CategoryHome, moneykit.SubcategoryLaundry, 800, 2500, "Tapwell"},
			card, false, "weekly", 7,
		},
		{
			merchant{"", moneykit.CategoryIncome, moneykit.SubcategoryInterest, 40, 4000, ""},
			savings, true, monthly, 28,
		},
	}
}

// slug returns a name in the form that ids use.
func slug(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !strings.ContainsRune(alphanumeric, r)
	}), "-")
}
